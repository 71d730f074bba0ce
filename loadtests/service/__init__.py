"""The service under test: its contract, how it is started, and what it consumes."""
