"""What the README and the results page show of runs, made of the run files kept in `runs/`."""
