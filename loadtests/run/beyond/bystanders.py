"""Load one cell of a server that has all models, and see who starves beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.errors import Unmeasured
from loadtests.load.schedule import Phase
from loadtests.run.beyond.lab import LoadedServer, PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.service.contract import discover, path_of
from loadtests.slo import Slo
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import tally

LOAD = CONSTANTS.bystanders
TINY = "noop"
HEALTH = "/health"


def run(bench: PeakLab, duration_s: float) -> dict[str, Any]:
    phases = [Phase(bench.rate(LOAD), duration_s)]

    def attempt(stand: LoadedServer) -> PhasedResult:
        return stand.passage(phases, beside=_paths(stand.service.url))

    passage = bench.valid(attempt, all_models=True)
    return {"rate": phases[0].rate, "beside": starved(passage, bench.slo)}


def starved(passage: PhasedResult, slo: Slo) -> dict[str, dict[str, float | None]]:
    """Say of each stream beside the load how slow it was, and which share came late or never."""
    streams: Mapping[str, Any] = {HEALTH: passage.bystander, **passage.beside}
    counted = {name: tally(one, slo, passage.duration_s) for name, one in streams.items()}
    return {
        name: {"p99_ms": one.p99_ms, "lost": round(one.loss_ratio, 4)}
        for name, one in counted.items()
    }


def _paths(url: str) -> dict[str, str]:
    """Name the path of the tiny request under each model that the service has started."""
    found = discover(url)
    if TINY not in found.workloads:
        raise Unmeasured(f"the service has no workload {TINY!r} to ask for beside the load")
    there = found.workloads[TINY]["models"]
    return {name: path_of(TINY, name) for name in there if not found.unavailable(TINY, name)}
