"""Load tests and survival runs in the web interface of Locust."""
