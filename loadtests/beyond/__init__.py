"""Trials beyond the peak: what becomes of a cell that gets more than it bears, or loses workers."""
