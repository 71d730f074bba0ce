"""The gauges of the server over time."""
