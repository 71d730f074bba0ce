"""Faults on purpose, longer than tests may take: each prints figures, and fails if one is wrong."""
