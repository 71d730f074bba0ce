"""The capacity of a cell: each search of it, and all of them combined."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.interval import Interval
from loadtests.capacity.prediction import efficiency, score
from loadtests.capacity.support import Support
from loadtests.cell import Bounds, Cell

NOT_MEASURED = "not measured: the run had ended"  # the error of a cell that was never begun


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of one search of a cell, and the cost of a request, or why it has no result.

    `binding` is the resource whose limit is the `ceiling`; `broke_by` is the symptom of the break,
    `cause` what was concluded from the evidence.
    """

    workload: str
    model: str
    python: str = ""
    search: int = 0
    capacity: Capacity | None = None
    unavailable: str | None = None
    error: str | None = None
    trials: int = 0
    discarded: int = 0
    bystander_p99_ms: float | None = None
    cpu_ms_per_request: float | None = None
    pss_mib: float | None = None
    ceiling: float | None = None
    binding: str | None = None
    predicted: float | None = None
    broke_by: str | None = None
    cause: str | None = None
    cause_evidence: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        return Cell(self.workload, self.model, self.python)

    @property
    def measured(self) -> bool:
        """Whether it has a result that can be trusted."""
        return self.capacity is not None and not self.unavailable and not self.error

    @property
    def bounds(self) -> Bounds:
        return (self.capacity.held, self.capacity.broke) if self.capacity else (0.0, None)

    @property
    def midpoint(self) -> float:
        """The middle of the bounds; without an upper one, the lower one."""
        held, broke = self.bounds
        return held if broke is None else (held + broke) / 2


NOTHING = SearchResult("", "", error=NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class CellResult:
    """The combined result of all searches of a cell, or why it has none.

    `interval` is missing until the last of them has ended. `goals` are the bounds for other
    percentiles of the objective. `support` counts the requests behind the rate that held, where
    the run file says how many there were. `proof` is the outcome of proving the cause.
    """

    cell: Cell
    searches: tuple[SearchResult, ...] = ()
    interval: Interval | None = None
    goals: Mapping[str, Bounds] = field(default_factory=dict)
    support: Support | None = None
    proof: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workload(self) -> str:
        return self.cell.workload

    @property
    def model(self) -> str:
        return self.cell.model

    @property
    def python(self) -> str:
        return self.cell.python

    @property
    def row(self) -> str:
        return self.cell.row

    @property
    def valid(self) -> Sequence[SearchResult]:
        """The searches that have a result, the lowest first."""
        return ordered(search for search in self.searches if search.measured)

    @property
    def typical(self) -> SearchResult:
        """The middle one of the searches with a result; without any, the last search."""
        valid = self.valid
        return valid[len(valid) // 2] if valid else (NOTHING, *self.searches)[-1]

    @property
    def measured(self) -> bool:
        """Whether there is a result that can be trusted."""
        return any(search.measured for search in self.searches)

    @property
    def unavailable(self) -> str | None:
        return self.typical.unavailable

    @property
    def error(self) -> str | None:
        return self.typical.error

    @property
    def lack(self) -> str:
        """Which requests are missing for the percentile, if any are."""
        return self.support.lack if self.measured and self.support else ""

    @property
    def shown(self) -> bool:
        """Whether it is a result with as many requests as its percentile takes."""
        return self.measured and not self.lack

    @property
    def held(self) -> float | None:
        return self._bounds[0]

    @property
    def broke(self) -> float | None:
        return self._bounds[1]

    @property
    def _bounds(self) -> tuple[float | None, float | None]:
        known = self.interval or self.typical.capacity
        return (known.held, known.broke) if known and self.measured else (None, None)

    @property
    def sustained(self) -> float:
        return self.held or 0.0

    @property
    def unbounded(self) -> bool:
        """Whether the search met its upper limit before the cell broke."""
        return self.measured and self.sustained > 0 and self.broke is None

    @property
    def capacity(self) -> float | None:
        """The best guess."""
        return self.interval.capacity if self.interval else None

    @property
    def low(self) -> float:
        return self.interval.low if self.interval else self.sustained

    @property
    def high(self) -> float:
        known = self.interval.high if self.interval else self.broke
        return math.inf if self.unbounded else known or self.low

    @property
    def midpoint(self) -> float:
        return self.sustained if self.unbounded else (self.low + self.high) / 2

    @property
    def trials(self) -> int:
        return sum(search.trials for search in self.searches)

    @property
    def discarded(self) -> int:
        return sum(search.discarded for search in self.searches)

    @property
    def warnings(self) -> tuple[str, ...]:
        searches = self.valid or [self.typical]
        return tuple(dict.fromkeys(text for search in searches for text in search.warnings))

    @property
    def ceiling(self) -> float | None:
        return _median(search.ceiling for search in self.valid)

    @property
    def predicted(self) -> float | None:
        return _median(search.predicted for search in self.valid)

    @property
    def score(self) -> float | None:
        """Measured ÷ predicted."""
        predicted = self.predicted
        return None if predicted is None else score(predicted, *self._best)

    @property
    def efficiency(self) -> float | None:
        """Measured ÷ ceiling."""
        ceiling = self.ceiling
        return None if ceiling is None else efficiency(*self._best, ceiling)

    @property
    def _best(self) -> Bounds:
        if self.interval and self.broke is not None and self.sustained > 0:
            return self.interval.capacity, self.interval.capacity
        return self.sustained, self.broke  # a best guess needs both ends

    @property
    def broke_by(self) -> str | None:
        return self._explained.broke_by

    @property
    def cause(self) -> str | None:
        """The cause of the break, unless its proof has withdrawn it."""
        return None if self.proof.get("stands") is False else self._explained.cause

    @property
    def cause_evidence(self) -> Mapping[str, Any]:
        return self._explained.cause_evidence

    @property
    def _explained(self) -> SearchResult:
        valid = self.valid
        return explained(valid) if valid else self.typical


def ordered(searches: Iterable[SearchResult]) -> list[SearchResult]:
    return sorted(searches, key=lambda search: search.midpoint)


def explained(searches: Sequence[SearchResult]) -> SearchResult:
    """Choose a search with the most frequent cause, preferably the middle one."""
    cause, _ = Counter(search.cause for search in searches).most_common(1)[0]
    middle = searches[len(searches) // 2]
    return next(search for search in (middle, *searches) if search.cause == cause)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
