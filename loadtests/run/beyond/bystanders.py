"""Load one cell of a server that has all models, and measure how others starve beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.errors import Unmeasured
from loadtests.load.request import HEALTH
from loadtests.load.schedule import Phase
from loadtests.run.beyond.lab import LoadedServer, PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.service.contract import discover, path_of
from loadtests.slo import Slo
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import tally

LOAD = CONSTANTS.bystanders
TINY = "noop"


def run(lab: PeakLab, duration_s: float) -> dict[str, Any]:
    phases = [Phase(lab.rate(LOAD), duration_s)]

    def attempt(server: LoadedServer) -> PhasedResult:
        return server.offer(phases, beside=_paths(server.service.url))

    result = lab.valid(attempt, all_models=True)
    return {"rate": phases[0].rate, "beside": starved(result, lab.slo)}


def starved(result: PhasedResult, slo: Slo) -> dict[str, dict[str, float | None]]:
    """Return how slow each stream beside the load was, and the share that came late or never."""
    streams: Mapping[str, Any] = {HEALTH.target: result.bystander, **result.beside}
    return {
        name: {"p99_ms": counted.p99_ms, "lost": round(counted.loss_ratio, 4)}
        for name, answers in streams.items()
        for counted in (tally(answers, slo, result.duration_s),)
    }


def _paths(url: str) -> dict[str, str]:
    """Return the path of the tiny request under each model that the service has started."""
    discovery = discover(url)
    if TINY not in discovery.workloads:
        raise Unmeasured(f"the service has no workload {TINY!r} to request beside the load")
    models = discovery.workloads[TINY]["models"]
    return {name: path_of(TINY, name) for name in models if not discovery.unavailable(TINY, name)}
