"""The report of a surge."""
