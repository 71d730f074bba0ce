"""What a hop to a worker and back costs under each model, without and with payloads.

The time is taken in the handler (`total` of the answer), so it contains neither HTTP nor the
client. The models take turns, so that a drift of the machine affects all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from loadtests.load.http import ConnectionPool
from loadtests.service.contract import discover
from scripts.checks.shared.fast_clients import answers_per_s

LOADS = {
    "no-op": "noop/{}",
    "1 KiB": "echo/{}?kib=1",
    "64 KiB": "echo/{}?kib=64",
    "1 MiB": "echo/{}?kib=1024",
    "8 MiB": "echo/{}?kib=8192",
}
ROUNDS = 12
CALLS = 8  # of each kind in a round: enough to warm up, few enough for the slowest
CLIENTS = 32
RUSH_S = 2.0
RUSHES = 5


@dataclass(frozen=True, slots=True)
class Hop:
    """One model: seconds per call by load, and no-ops per second under many clients."""

    model: str
    took: dict[str, list[float]] = field(default_factory=lambda: {load: [] for load in LOADS})
    rates: list[float] = field(default_factory=list)


def measure(url: str) -> list[Hop]:
    """Measure every model that runs there."""
    discovery = discover(url)
    hops = [Hop(name) for name, model in discovery.models.items() if model["available"]]
    connections = ConnectionPool(url)
    for turn in range(ROUNDS + 1):  # the first only warms up
        for load, path in LOADS.items():
            for hop in hops:
                calls = [_call(connections, f"/{path.format(hop.model)}") for _ in range(CALLS)]
                if turn:
                    hop.took[load] += calls
    connections.close()
    for _ in range(RUSHES):
        for hop in hops:
            hop.rates.append(answers_per_s(url, f"/noop/{hop.model}", CLIENTS, RUSH_S))
    return hops


def _call(connections: ConnectionPool, path: str) -> float:
    status, body = connections.get(path)
    assert status == 200, body
    return float(json.loads(body)["ms"]["total"]) / 1e3


def table(hops: list[Hop]) -> Iterator[str]:
    """Write the lines of a Markdown table, with ratios to the first model, inline."""
    loads = " | ".join(LOADS)
    yield f"| model | {loads} | no-ops/s, {CLIENTS} clients |"
    yield "|---|" + "---:|" * (len(LOADS) + 1)
    for hop in hops:
        cells = [
            _shown(median(hop.took[load]), median(hops[0].took[load]), hop is hops[0])
            for load in LOADS
        ]
        rate = median(hop.rates)
        yield f"| `{hop.model}` | {' | '.join(cells)} | {rate:,.0f} |"


def _shown(seconds: float, base: float, alone: bool) -> str:
    us = seconds * 1e6
    time = f"{us:,.0f} µs" if us < 9_950 else f"{us / 1e3:,.0f} ms"
    return time if alone else f"{time} ({seconds / base:,.0f} ×)"


def hops(url: str) -> Iterator[str]:
    results = measure(url)
    yield from table(results)
    rates = {hop.model: hop.rates for hop in results}
    ours, theirs = rates["supervised-process-pool"], rates["process-pool"]
    ratios = sorted(own / other for own, other in zip(ours, theirs, strict=True))
    yield ""
    yield (
        f"Dispatch: supervised-process-pool handles {median(ratios):.1f} × the no-ops of "
        f"process-pool ({ratios[0]:.1f}–{ratios[-1]:.1f} in {RUSHES} pairs)."
    )
