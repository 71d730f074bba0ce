"""Bind, run one event loop or many, prefork, drain, end."""
