"""A cell, and what was found of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from loadtests.capacity.support import Support
from loadtests.cell import Bounds, Cell

NOT_MEASURED = "not measured: the run had ended"  # the error of a cell that never had its turn


@dataclass(frozen=True, slots=True)
class CellResult:
    """The capacity of one cell, or why there is none.

    `interval` contains the capacity with 95 % confidence, for all we know of our own error,
    `capacity` is the best guess, and `draws` are rates as likely as it is to be there. `searches`
    are what each search found, `goals` the same for other percentiles of the objective, and
    `tried` the (rate, seconds, loss ratio) of valid trials. `binding` is the resource whose limit
    is the `ceiling`, and `score` is measured ÷ predicted. `support` are the requests behind `held`,
    if the run file says how many there were.
    """

    workload: str
    model: str
    python: str = ""
    held: float | None = None
    broke: float | None = None
    interval: tuple[float | None, float | None] | None = None
    unavailable: str | None = None
    error: str | None = None
    trials: int = 0
    discarded: int = 0
    bystander_p99_ms: float | None = None
    cpu_ms_per_request: float | None = None
    pss_mib: float | None = None
    broke_by: str | None = None
    saturation: float | None = None
    at: float = 0.0
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()
    search: int = 0
    complete: bool = True
    tried: tuple[tuple[float, float, float], ...] = ()
    capacity: float | None = None
    draws: tuple[float, ...] = field(default=(), repr=False, compare=False)
    searches: tuple[Bounds, ...] = ()
    goals: Mapping[str, Bounds] = field(default_factory=dict)
    ceiling: float | None = None
    binding: str | None = None
    predicted: float | None = None
    score: float | None = None
    efficiency: float | None = None
    cause: str | None = None
    cause_evidence: Mapping[str, Any] = field(default_factory=dict)
    proof: Mapping[str, Any] = field(default_factory=dict)
    parts: "tuple[CellResult, ...]" = ()
    support: Support | None = None

    @property
    def cell(self) -> Cell:
        return Cell(self.workload, self.model, self.python)

    @property
    def row(self) -> str:
        return self.cell.row

    @property
    def measured(self) -> bool:
        """Whether `held` is a result that can be trusted."""
        return self.held is not None and not self.unavailable and not self.error

    @property
    def lack(self) -> str:
        """Which requests are missing for the percentile, if any are."""
        return self.support.lack if self.measured and self.support else ""

    @property
    def shown(self) -> bool:
        """Whether it is a result with as many requests as its percentile takes."""
        return self.measured and not self.lack

    @property
    def bears(self) -> float:
        return self.held or 0.0

    @property
    def unbounded(self) -> bool:
        """Whether the search met its upper limit before the cell broke."""
        return self.measured and self.bears > 0 and self.broke is None

    @property
    def low(self) -> float:
        known = self.interval[0] if self.interval else None
        return self.bears if known is None else known

    @property
    def high(self) -> float:
        known = self.interval[1] if self.interval else self.broke
        return inf if self.unbounded else known or self.low

    @property
    def midpoint(self) -> float:
        return self.bears if self.unbounded else (self.low + self.high) / 2
