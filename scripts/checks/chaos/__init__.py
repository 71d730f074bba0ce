"""Faults on purpose, for longer than tests may take: each prints figures and checks them."""
