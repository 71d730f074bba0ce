"""Load tests, survival runs and surges in the web interface of Locust."""
