"""What worker processes import: the standard library only."""
