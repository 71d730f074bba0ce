"""Rewrite the generated blocks and pictures of README and RESULTS from published runs."""
