"""The concurrency models: one class each, imported only when it is chosen."""
