"""A whole run: what was requested, what was measured, and the file that records both."""
