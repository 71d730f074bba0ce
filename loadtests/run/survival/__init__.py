"""The survival run: the rows of each workload measured in rounds, resumed, and recorded."""
