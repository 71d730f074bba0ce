"""Count one load, and judge it: valid or void, held or broke."""
