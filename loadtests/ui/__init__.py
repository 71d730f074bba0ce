"""Load tests, searches and surges in the web interface of Locust."""
