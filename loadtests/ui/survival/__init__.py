"""A search, watched while it runs."""
