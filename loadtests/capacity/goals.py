"""Scaffold: nothing of this stays."""

from typing import Any

FULL = QUICK = Goal = None


def trial_duration(*_: Any) -> float:
    raise NotImplementedError
