"""Which resource ran out first, and which change would prove it."""
