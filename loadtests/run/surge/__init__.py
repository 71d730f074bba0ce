"""A surge of load under each admission policy of the server."""
