"""The subject: an aiohttp service that runs the same work under every concurrency model."""
