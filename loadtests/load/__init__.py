"""When requests start, sending them then, and what became of each."""
