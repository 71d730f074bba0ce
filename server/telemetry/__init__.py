"""Counts, gauges and samplers, and how they are published."""
