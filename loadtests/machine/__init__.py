"""What this machine is, and whether it was quiet during a trial."""
