"""Benchmarks of the instrument itself: ratios and accuracies, each taken within one run."""
