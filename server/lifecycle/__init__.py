"""Bind, run one event loop or several, prefork, drain, end."""
