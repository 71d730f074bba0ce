"""What worker processes import: only the standard library."""
