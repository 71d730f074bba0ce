"""Compare results with the true capacities of simulated rows."""
