"""Offer a surge to a cell under each admission policy: a calm load, far too much, calm again.

Each policy gets a fresh server and the same arrivals, so that only the policy differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from random import Random
from typing import Any

from loadtests.errors import Unmeasured
from loadtests.load.answer import Answer
from loadtests.load.http import ConnectionPool
from loadtests.load.schedule import Phase
from loadtests.run.beyond.goodput import recovery_s
from loadtests.run.beyond.lab import LoadedServer, PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.service.contract import Discovery
from loadtests.service.stats import read_stats
from loadtests.slo import Slo, requests_needed
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import good, percentile_ms

WINDOWS = (4, 8, 16)  # of equal length, in which outcomes are counted: before, during, after it
ADMISSION, BOUNDED, QUEUE = "admission", "bounded", "queue"
AS_IT_IS = "as it is"
# What became of a request: the right answer in time, or too late, a refusal, no answer until the
# client hung up, or anything else.
OUTCOMES = ("good", "late", "refused", "gave_up", "failed")
COUNTED_AS = {"refused": "refused", "expired": "refused", "unfinished": "gave_up"}


def run(lab: PeakLab, duration_s: float) -> dict[str, Any]:
    rates, step_s = [lab.rate(factor) for factor in CONSTANTS.surge], duration_s / WINDOWS[1]
    phases = [Phase(rate, step_s * count) for rate, count in zip(rates, WINDOWS, strict=True)]
    discovery = lab.discovery()
    results = [_under(policy, lab, phases, discovery) for policy in policies(lab, discovery)]
    if all("reason" in result for result in results):
        raise Unmeasured(results[0]["reason"])
    return {
        "capacity": lab.peak.capacity,
        "rates": rates,
        "step_s": step_s,
        "windows": WINDOWS,
        "needed": requests_needed(lab.slo.loss_ratio, 0),
        "policies": results,
    }


def policies(lab: PeakLab, discovery: Discovery) -> Sequence[str]:
    """Name the policies to measure: that of the row, or all that the service offers.

    A running service and one of the user have their own, and some models cannot have any.
    """
    offered = discovery.options.get(ADMISSION)
    model = lab.cell.model
    if lab.services.host or not offered or model not in (offered.get("models") or [model]):
        return [AS_IT_IS]
    if chosen := lab.axes.get(ADMISSION):
        return [chosen]
    return list(offered["choices"])


def _under(
    policy: str, lab: PeakLab, phases: Sequence[Phase], discovery: Discovery
) -> dict[str, Any]:
    """Offer the phases under one policy; returns its figures, or why there are none."""
    axes = {} if policy == AS_IT_IS else {ADMISSION: policy}
    if policy == BOUNDED and QUEUE not in lab.axes:
        target_s = float(discovery.runtime.get("target_s") or lab.slo.bound_s)
        axes[QUEUE] = str(queue_within(lab.peak.capacity, target_s))

    def attempt(server: LoadedServer) -> tuple[PhasedResult, int | None]:
        again = replace(server, rng=Random(lab.options.seed))  # noqa: S311 - no secret
        return again.offer(phases, loose=True), _held(server, lab.cell.model)

    try:
        result, held = lab.valid(attempt, axes=axes)
    except Unmeasured as error:
        return {"policy": policy, "reason": str(error)}
    queue = {QUEUE: int(axes[QUEUE])} if QUEUE in axes else {}
    return {"policy": policy, **queue, **outcome(result, lab.slo), "held": held}


def queue_within(capacity: float, target_s: float) -> int:
    """Return how many calls a cell completes within a time: longer queues do not help."""
    return max(1, int(capacity * target_s))


def outcome(result: PhasedResult, slo: Slo) -> dict[str, Any]:
    """Count the outcomes in each window, and say when the objective was met again."""
    end_s = result.duration_s
    step_s, since_s = end_s / sum(WINDOWS), end_s - result.phases[-1].duration_s
    edges = accumulate(WINDOWS, initial=0)
    windows = [Counter[str]() for _ in range(sum(WINDOWS))]
    times: list[list[float]] = [[] for _ in windows]
    for answer in result.work:
        window = min(int(answer.intended_s / step_s), len(windows) - 1)
        windows[window][_outcome(answer, slo)] += 1
        if answer.outcome == "ok" and answer.ended_s is not None:
            times[window].append(answer.ended_s - answer.intended_s)
    return {
        "series": {name: [window[name] for window in windows] for name in OUTCOMES},
        "p99_ms": [
            percentile_ms(sorted(chain(*times[begin:end])), 99) for begin, end in pairwise(edges)
        ],
        "recovery_s": recovery_s(result.work, since_s, end_s, slo),
    }


def _outcome(answer: Answer, slo: Slo) -> str:
    if answer.outcome == "ok":
        return "good" if good(answer, slo) else "late"
    return COUNTED_AS.get(answer.outcome, "failed")


def _held(server: LoadedServer, model: str) -> int | None:
    """Count the requests that a server works on or keeps when all clients have gone."""
    try:
        with closing(ConnectionPool(server.service.url)) as connections:
            stats = read_stats(connections.get("/stats").body)
    except OSError:
        return None
    gauges: Mapping[str, Any] = stats.models.get(model, {}) if stats else {}
    return gauges["busy"] + gauges["queued"] if {"busy", "queued"} <= gauges.keys() else None
