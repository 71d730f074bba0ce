"""The tabs that the Locust UI has from us."""

from __future__ import annotations

from locust.env import Environment

from loadtests.panel.tabs import Tab


def tabs(environment: Environment) -> tuple[Tab, ...]:
    """Make them for the process that has the UI."""
    return ()
