"""Runs beside each other: what each cell of a later one bears of what it bore in the first."""
