"""All that the processes of a load have seen, added up: by the second, and by the cell."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.run.beyond.drift import Drift, drift
from loadtests.ui.recording.buckets import added, percentile
from loadtests.ui.recording.recorder import BYSTANDER

SHOWN_S = 180
LATE_S = 10  # by which workers may be with their words
KEPT_S = 4 * 3600  # of what drifts: longer soaks tell by their last hours
FAILURES = ("refused", "expired", "failed", "wrong", "unfinished", "unsent")


@dataclass(slots=True)
class Second:
    """What the work came to in one second of the wall clock; the bystander is not part of it."""

    users: int = 0
    offered: int = 0
    flying: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    times: dict[float, int] = field(default_factory=dict)
    lags: dict[float, int] = field(default_factory=dict)

    @property
    def achieved(self) -> int:
        """Count the right answers, in time or late."""
        return self.fates["good"] + self.fates["late"]

    def shown(self, at: int) -> dict[str, Any]:
        # What is given up when the load ends has failed then, but it was offered long before.
        failed = sum(self.fates[kind] for kind in FAILURES) - self.fates["unfinished"]
        refused = self.fates["refused"] + self.fates["expired"]
        return {
            "at": at,
            "users": self.users,
            "offered": self.offered,
            "achieved": self.achieved,
            "good": self.fates["good"],
            "refused": refused,
            "failed": failed - refused,
            "lost": failed,
            "flying": self.flying,
            "p50_ms": percentile(self.times, 0.5),
            "p99_ms": percentile(self.times, 0.99),
            "lag_p99_ms": percentile(self.lags, 0.99),
        }


@dataclass(slots=True)
class LedgerRow:
    """What one cell came to since the start, or since the figures were reset."""

    offered: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    times: dict[float, int] = field(default_factory=dict)

    def shown(self, name: str, elapsed_s: float) -> dict[str, Any]:
        answered = self.fates["good"] + self.fates["late"]
        ended = self.fates.total()
        return {
            "name": name,
            "offered": self.offered / elapsed_s,
            "achieved": answered / elapsed_s,
            "good": self.fates["good"] / ended if ended else None,
            **{f"p{p}_ms": percentile(self.times, p / 100) for p in (50, 95, 99)},
            "failures": {kind: self.fates[kind] for kind in FAILURES if self.fates[kind]},
        }


class Ledger:
    """Adds up what comes in, from whichever process, in whatever order."""

    def __init__(self) -> None:
        self.clear(0)

    def clear(self, second: int) -> None:
        """Forget everything before this second."""
        self.since = self.until = self._begun = second
        self._past: deque[tuple[float, float]] = deque(maxlen=KEPT_S)
        self._seconds: dict[int, Second] = {}
        self._rows: dict[str, LedgerRow] = {}

    def anew(self, second: int) -> None:
        """Forget the cells before this second, but not the seconds: the load has its rate now."""
        self.since = second
        self._rows = {}

    def users(self, second: int, users: int) -> None:
        self._at(second).users = users

    def take(self, report: Mapping[str, Any]) -> None:
        """Add what one process says of one second."""
        second = int(report["second"])
        if second < self._begun:
            return  # of the test before
        now = self._at(second)
        added(now.lags, report["lags"])
        for name, cell in report["cells"].items():
            if second > self.since:  # the first second began before
                row = self._rows.setdefault(name, LedgerRow())
                row.offered += cell["offered"]
                row.fates.update(cell["fates"])
                added(row.times, cell["times"])
            if name != BYSTANDER:
                now.offered += cell["offered"]
                now.flying += cell["flying"]
                now.fates.update(cell["fates"])
                added(now.times, cell["times"])
        if now.offered:  # else it only waits for the last answers
            self.until = max(self.until, second)

    def seconds(self, before: int) -> list[dict[str, Any]]:
        """List the last seconds that are complete: those before this one."""
        some = sorted(at for at in self._seconds if before - SHOWN_S <= at < before)
        return [self._seconds[at].shown(at) for at in some]

    @property
    def newest(self) -> int:
        """The newest second of which anything is known."""
        return max(self._seconds, default=self._begun)

    def rows(self) -> list[dict[str, Any]]:
        elapsed = max(1, self.until - self.since)
        return [row.shown(name, elapsed) for name, row in self._rows.items()]

    def drift(self) -> Drift | None:
        """How the p99 of right answers drifts, in ms a minute; None for too few seconds."""
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
