"""What the operating system is asked for: child processes, signals, streams and whole files."""
