"""The operating system: child processes, signals, standard streams and files written whole."""
