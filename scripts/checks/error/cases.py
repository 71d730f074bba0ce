"""The cases that the error is measured on: one thing at a time differs from the first of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from loadtests.slo import Slo
from scripts.checks.shared.changing_machine import Behaviour, VirtualRow

APART = {"10 %": 1.1, "20 %": 1.2}  # how many times as long a request of a slower row takes
STRETCH, OTHER_STRETCH = 1.05, 1.15  # of the rows, and of the one with another binding resource


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """Rows on a machine: the first case is a process pool on two cores, at the default SLO."""

    machine: Behaviour = "steady"
    disturbed: float = 0.0
    noticed: bool = False
    variation: float = 0.5
    servers: int = 2
    service_ms: float = 12.5
    objective: str = "p99<250ms"
    deadline: bool = False

    def __str__(self) -> str:
        """Name what differs from the first case."""
        usual, differs = ErrorCase(), []
        if (self.servers, self.service_ms) != (usual.servers, usual.service_ms):
            differs.append(f"{self.servers} × {self.service_ms:g} ms")
        if self.variation != usual.variation:
            differs.append(f"cv {self.variation:g}")
        if self.objective != usual.objective:
            differs.append(self.objective)
        if self.deadline:
            differs.append("deadline admission")
        if self.disturbed:
            outcome = "void" if self.noticed else "disturbed"
            differs.append(f"{self.disturbed:.0%} of trials {outcome}")
        return ", ".join([*differs, self.machine])

    @property
    def slo(self) -> Slo:
        return Slo.parse(self.objective)

    def rows(self) -> tuple[VirtualRow, ...]:
        """Two equal ones, two that sustain less, and one with another binding resource."""
        demand_s = self.service_ms / 1e3 / STRETCH
        first = VirtualRow("first", self.servers, demand_s, self.variation, STRETCH,
                           deadline=self.deadline)  # fmt: skip
        slower = (
            replace(first, name=name, demand_s=demand_s * times) for name, times in APART.items()
        )
        other = replace(first, name="other", servers=max(self.servers // 2, 1),
                        stretch=OTHER_STRETCH, group="other")  # fmt: skip
        return (first, replace(first, name="same"), *slower, other)


def _cases() -> Iterator[ErrorCase]:
    usual = ErrorCase()
    yield from (replace(usual, machine=kind) for kind in ("steady", "two speeds", "wanders"))
    for share in (0.05, 0.2):
        yield from (replace(usual, disturbed=share, noticed=noticed) for noticed in (False, True))
    varied = (
        # The more service times vary, the shorter they are: the longest have to meet the bound.
        *(
            replace(usual, variation=variation, service_ms=service_ms)
            for variation, service_ms in ((0.0, 12.5), (1.0, 8.0), (2.0, 4.0), (3.0, 2.0))
        ),
        # A GIL, and pools whose work waits.
        *(
            replace(usual, servers=servers, service_ms=service_ms)
            for servers, service_ms in ((1, 12.5), (8, 25.0), (32, 50.0))
        ),
        replace(usual, objective="p95<250ms"),
        *(
            replace(usual, objective=objective, service_ms=service_ms)
            for objective, service_ms in (("p99<30ms", 3.0), ("p99<100ms", 10.0), ("p99<1s", 25.0))
        ),
        replace(usual, deadline=True),
    )
    for case in varied:
        yield from (replace(case, machine=kind) for kind in ("steady", "two speeds"))
    yield replace(usual, deadline=True, machine="wanders")


CASES = tuple(_cases())
