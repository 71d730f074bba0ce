"""What several checks share: oracles, simulated services, loads and progress."""
