"""The run file: written line by line, read back as the same values, safe to interrupt."""
