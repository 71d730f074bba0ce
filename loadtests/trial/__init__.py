"""Count one load, and judge it: whether it passed, failed or is void."""
