"""Our tabs in the Locust UI: what the server does, models side by side, and the survival search."""
