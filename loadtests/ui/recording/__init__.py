"""What every process saw of a load, second by second."""
