"""Benchmarks of the instrument itself: accuracies, and ratios measured within one run."""
