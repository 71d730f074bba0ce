"""Draw a schedule, send each request at its time, and return the outcome of each."""
