"""Compare the search with services whose true capacity is known."""
