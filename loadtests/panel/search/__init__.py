"""The Survival tab: the search as it goes on, and its results."""
