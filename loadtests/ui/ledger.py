"""Requests as they end, counted by the second and by the cell, in one process or in several.

Response times are counted in buckets fine enough to be read to 1 %, so that they can be added up.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.run.beyond.drift import Drift, drift
from loadtests.ui.turns import Turns

LAG = "send lag p50 %.1f ms, p99 %.1f ms%s"  # in the log; the tabs show it all the time
BYSTANDER = "bystander"
SHOWN_S = 180
LATE_S = 10  # by which the reports of workers may be late
KEPT_S = 4 * 3600  # of what drifts: a longer soak is judged by its last hours
FAILURES = ("refused", "expired", "failed", "wrong", "unfinished", "unsent")


def bucket(ms: float) -> float:
    """Round to a tenth of a millisecond, or from 100 ms on to three digits."""
    return round(ms, 1) if ms < 100 else float(f"{ms:.3g}")


def percentile(times: Mapping[float, int], share: float) -> float | None:
    """Take the nearest-rank percentile of counts by their bucket, in ms; None if there are none."""
    rank = max(1, math.ceil(share * sum(times.values()) - 1e-9))
    for value, count in sorted(times.items()):
        rank -= count
        if rank <= 0:
            return value
    return None


@dataclass(slots=True)
class Counts:
    """Requests by their fates, and the times of right answers in ms by their buckets."""

    offered: int = 0
    flying: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    times: Counter[float] = field(default_factory=Counter)

    @property
    def achieved(self) -> int:
        """Count the right answers, in time or late."""
        return self.fates["good"] + self.fates["late"]

    def add(self, cell: Mapping[str, Any]) -> None:
        """Add the counts of one cell, from a report."""
        self.offered += cell["offered"]
        self.flying += cell["flying"]
        self.fates.update(cell["fates"])
        self.times.update(dict(cell["times"]))

    def as_row(self, name: str, elapsed_s: int, health: Counts) -> dict[str, Any]:
        """Show a cell over so many seconds, with the bystander in the same time."""
        ended = self.fates.total()
        return {
            "name": name,
            "seconds": elapsed_s,
            "offered": self.offered / max(1, elapsed_s),
            "achieved": self.achieved / max(1, elapsed_s),
            "good": self.fates["good"] / ended if ended else None,
            **{f"p{p}_ms": percentile(self.times, p / 100) for p in (50, 95, 99)},
            "health_p99_ms": percentile(health.times, 0.99),
            "failures": {kind: self.fates[kind] for kind in FAILURES if self.fates[kind]},
        }


@dataclass(slots=True)
class Second(Counts):
    """The work in one second of the wall clock, without the bystander."""

    users: int = 0
    lags: Counter[float] = field(default_factory=Counter)

    def as_json(self, at: int) -> dict[str, Any]:
        # What is given up when the load ends has failed then, but it was offered long before.
        lost = sum(self.fates[kind] for kind in FAILURES) - self.fates["unfinished"]
        refused = self.fates["refused"] + self.fates["expired"]
        return {
            "at": at,
            "users": self.users,
            "offered": self.offered,
            "achieved": self.achieved,
            "good": self.fates["good"],
            "refused": refused,
            "failed": lost - refused,
            "lost": lost,
            "flying": self.flying,
            "p50_ms": percentile(self.times, 0.5),
            "p99_ms": percentile(self.times, 0.99),
            "lag_p99_ms": percentile(self.lags, 0.99),
        }


class Recorder:
    """Counts the requests of one process as they end; an answer later than `bound_ms` is late."""

    def __init__(self, bound_ms: float) -> None:
        self._bound_ms = bound_ms
        self._cells: defaultdict[str, Counts] = defaultdict(Counts)
        self._lags: Counter[float] = Counter()
        self._flying: Mapping[str, int] = {}

    def take(self, name: str, outcome: str, took_ms: float, lag_ms: float) -> None:
        """Count a request that has ended; `lag_ms` is how late it was sent."""
        counts = self._cells[name]
        if outcome == "ok":
            counts.times[bucket(took_ms)] += 1
            outcome = "good" if took_ms <= self._bound_ms else "late"
        counts.fates[outcome] += 1
        self._lags[bucket(lag_ms)] += 1

    def drain(self, second: int, flying: Mapping[str, int]) -> dict[str, Any]:
        """Report the counts since the last report, as plain data, and begin again.

        `flying` has the requests of each cell that wait for their answers. Offered was what has
        ended since, and what waits now but did not then. Counters become pairs where their keys
        are numbers, which JSON and msgpack would make texts.
        """
        cells = {
            name: {
                "offered": self._cells[name].fates.total()
                + flying.get(name, 0)
                - self._flying.get(name, 0),
                "flying": flying.get(name, 0),
                "fates": dict(self._cells[name].fates),
                "times": list(self._cells[name].times.items()),
            }
            for name in dict.fromkeys((*self._cells, *flying, *self._flying))
        }
        report = {"second": second, "cells": cells, "lags": list(self._lags.items())}
        self._lags, self._flying = Counter(), dict(flying)
        self._cells.clear()
        return report


class Ledger:
    """Adds up reports, from any process and in any order; `turns` says which cell has a second."""

    def __init__(self) -> None:
        self.clear(0)

    def clear(self, second: int, turns: Turns | None = None) -> None:
        """Forget everything before this second."""
        self._turns = turns
        self._begun = self.until = second
        self._past: deque[tuple[float, float]] = deque(maxlen=KEPT_S)
        self._seconds: dict[int, Second] = {}
        self.restart(second)

    def restart(self, second: int) -> None:
        """Forget the cells before this second, but not the seconds: the load has its rate now."""
        self.since = second
        self._rows: defaultdict[str, Counts] = defaultdict(Counts)
        self._health: defaultdict[str, Counts] = defaultdict(Counts)  # by the cell that has a turn

    def set_users(self, second: int, users: int) -> None:
        self._at(second).users = users

    def add(self, report: Mapping[str, Any]) -> None:
        """Add what one process reports of one second."""
        second = int(report["second"])
        if second < self._begun:
            return  # of the test before
        now = self._at(second)
        now.lags.update(dict(report["lags"]))
        turns = self._turns
        # The first second began before.
        counts = second > self.since and (turns is None or turns.counts(second))
        for name, cell in report["cells"].items():
            if name == BYSTANDER:
                if counts:
                    self._health[turns.cell(second) if turns else ""].add(cell)
                continue
            now.add(cell)
            if counts:
                self._rows[name].add(cell)
        if now.offered:  # else it only waits for the last answers
            self.until = max(self.until, second)

    def seconds(self, before: int) -> list[dict[str, Any]]:
        """List the last seconds that are complete: those before this one."""
        complete = sorted(at for at in self._seconds if before - SHOWN_S <= at < before)
        return [self._seconds[at].as_json(at) for at in complete]

    @property
    def newest(self) -> int:
        """The newest second of which anything is known."""
        return max(self._seconds, default=self._begun)

    def rows(self) -> list[dict[str, Any]]:
        """Show each cell, over all the time or over its own turns."""
        turns, since, until = self._turns, self.since, self.until
        if turns is None:
            seconds, health = max(1, until - since), self._health[""]
            return [row.as_row(name, seconds, health) for name, row in self._rows.items()]
        return [
            self._rows[name].as_row(name, turns.counted(name, since, until), self._health[name])
            for name in turns.cells
        ]

    def lag_p99_ms(self) -> float | None:
        """Return how late the generator sent, over the last minutes; None if it sent nothing."""
        lags: Counter[float] = Counter()
        for second in self._seconds.values():
            lags.update(second.lags)
        return percentile(lags, 0.99)

    def drift(self) -> Drift | None:
        """Return the drift of the p99 of right answers, in ms a minute; None if too early."""
        present = filter(None, map(self._point, sorted(self._seconds)))
        return drift([*self._past, *present], self.until - self._begun)

    def _point(self, second: int) -> tuple[float, float] | None:
        p99 = percentile(self._seconds[second].times, 0.99)
        return None if p99 is None else (second - self._begun, p99)

    def _at(self, second: int) -> Second:
        if second not in self._seconds:
            self._seconds[second] = Second()
            if len(self._seconds) > SHOWN_S + LATE_S:
                oldest = min(self._seconds)
                self._past.extend(filter(None, [self._point(oldest)]))
                del self._seconds[oldest]
        return self._seconds[second]
