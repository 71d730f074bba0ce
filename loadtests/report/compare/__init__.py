"""Later runs compared with a first one, the baseline."""
