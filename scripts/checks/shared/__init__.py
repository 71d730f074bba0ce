"""What several checks share: oracles, machines in virtual time, loads and progress."""
