"""HTTP in and out: handlers, discovery, documentation, events, the live page."""
