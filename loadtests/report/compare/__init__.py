"""Runs compared with the first of them."""
