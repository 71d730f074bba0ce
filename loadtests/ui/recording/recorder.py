"""What a process that offers load has seen since it was last asked, which it is each second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.ui.recording.buckets import bucket, pairs

BYSTANDER = "bystander"


@dataclass(slots=True)
class RecordedRow:
    """The requests of one cell that have ended: their fates, and the times of right answers."""

    fates: Counter[str] = field(default_factory=Counter)
    times: Counter[float] = field(default_factory=Counter)


class Recorder:
    """Counts requests as they end; an answer later than `bound_ms` is late."""

    def __init__(self, bound_ms: float) -> None:
        self._bound_ms = bound_ms
        self._cells: dict[str, RecordedRow] = {}
        self._lags: Counter[float] = Counter()
        self._flying: Mapping[str, int] = {}

    def take(self, name: str, outcome: str, took_ms: float, lag_ms: float) -> None:
        """Count one that has ended; `lag_ms` is how late it was sent."""
        row = self._cells.get(name)
        if row is None:
            row = self._cells[name] = RecordedRow()
        if outcome == "ok":
            row.times[bucket(took_ms)] += 1
            outcome = "good" if took_ms <= self._bound_ms else "late"
        row.fates[outcome] += 1
        self._lags[bucket(lag_ms)] += 1

    def drain(self, second: int, flying: Mapping[str, int]) -> dict[str, Any]:
        """Give what came since the last time, as plain data, and begin again.

        `flying` says how many requests of each cell wait for their answers. What has ended since,
        and what waits now but did not then, is what was offered meanwhile.
        """
        cells = {}
        for name in dict.fromkeys((*self._cells, *flying, *self._flying)):
            row = self._cells.get(name) or RecordedRow()
            waiting = flying.get(name, 0)
            cells[name] = {
                "offered": row.fates.total() + waiting - self._flying.get(name, 0),
                "flying": waiting,
                "fates": dict(row.fates),
                "times": pairs(row.times),
            }
        report = {"second": second, "cells": cells, "lags": pairs(self._lags)}
        self._cells, self._lags, self._flying = {}, Counter(), dict(flying)
        return report
