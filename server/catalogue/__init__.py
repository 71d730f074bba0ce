"""What a workload takes, whether it can run, and the modules that users bring."""
