"""Queues: Little's law for a pool, and how far one can be filled before its tail is too long."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from random import Random
from typing import NamedTuple

import gevent

from loadtests.load.source import InProcess
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.tally import lag_allowed_s
from loadtests.trial.verdict import flaws
from scripts.checks.shared.oracle import MODELS, WORKLOADS, standing
from scripts.checks.validate.bench import PATIENT, Bench
from scripts.checks.validate.case import Case, within
from scripts.checks.validate.load import Unanswered, rate
from scripts.checks.validate.truth import crossing

POOL = 8
WAIT_MS = 50
LITTLE = POOL / WAIT_MS * 1e3
LITTLE_S = 4.0
LITTLE_ROUNDS = 3
CLIENTS = 32

SERVICE_S = 0.010
TRIAL_S = 12.0
ROUNDS = 2
# Around the two answers of each: far enough apart for a line, near enough for it to be straight.
LOADS = {"m-d-1": (0.45, 0.55, 0.65, 0.75, 0.85), "m-d-2": (0.65, 0.73, 0.81, 0.87, 0.93)}
KNOWN = {"m-d-1": {5: 0.57, 10: 0.78}, "m-d-2": {5: 0.76, 10: 0.89}}
SLACK = 0.07
ANY = Slo(99, 10.0)  # so loose that no trial ends before its time


def little(bench: Bench) -> Case:
    """Case 5: never more than 160/s, but for the eight answers at each end of the window."""
    with bench.server("thread-pool", "--threads", str(POOL), *PATIENT) as server:
        path = f"/sleep/thread-pool?ms={WAIT_MS}"
        seconds = bench.seconds(LITTLE_S)
        rates = [
            rate(server.url, path, CLIENTS, seconds) for _ in range(bench.rounds(LITTLE_ROUNDS))
        ]
    found = within("bears", rates, 0.9 * LITTLE, LITTLE + POOL / seconds, "/s")
    return Case.of("5", "a pool of 8 that waits for 50 ms bears 160/s (≥ 144)", [found])


class Seen(NamedTuple):
    """One trial: p99 in service times, and how late the generator was at its p99."""

    model: str
    load: float
    p99: float
    lag_ms: float


def filled(bench: Bench) -> Case:
    """Case 8: how much of M/D/1 and M/D/2 can be used while p99 stays below k service times.

    Trials of 12 s are a little too kind (0.01 to 0.03, by simulation), and four of them at each
    of five loads find the crossing within 0.02: so 0.07 are more than chance.
    """
    seen: list[Seen] = []
    with standing(SERVICE_S) as url:
        for turn in range(bench.rounds(ROUNDS)):
            for loads in zip(*LOADS.values(), strict=True):
                pairs = dict(zip(LOADS, loads, strict=True))
                seen += _side_by_side(url, pairs, turn, bench.seconds(TRIAL_S))
    found = [
        within(
            f"c={MODELS[model]}, k={k}",
            [crossing([(one.load, one.p99) for one in seen if one.model == model], k)],
            known - SLACK,
            known + SLACK,
            f"(true {known})",
        )
        for model, of_k in KNOWN.items()
        for k, known in of_k.items()
    ]
    claim = "M/D/c: p99 ≤ k service times up to a utilisation of .57, .78 (c=1) and .76, .89 (c=2)"
    shortest = Slo(99, SERVICE_S * min(k for of_k in KNOWN.values() for k in of_k))
    late = sum(one.lag_ms > 1e3 * lag_allowed_s(shortest) for one in seen)
    note = f"the generator was late in {late} of {len(seen)} trials" if late else ""
    return Case.of("8", claim, found, note)


def _side_by_side(url: str, loads: dict[str, float], turn: int, seconds: float) -> list[Seen]:
    """Measure all queues at once, each twice: they need no CPU, and do not know of each other."""
    seen: list[Seen] = []
    failed: list[str] = []

    def measure(workload: str, model: str, load: float) -> None:
        path, cell = f"/{workload}/{model}", (workload, model)
        with closing(CellLoad(url, cell, path, b"", InProcess())) as hammer:
            rng = Random(f"{turn}/{workload}/{load}")  # noqa: S311 - a schedule, no secret
            per_s = load * MODELS[model] / SERVICE_S
            trial = hammer.trial(per_s, seconds, ANY, "poisson", rng)
        work, by = trial.work, trial.bystander
        if work.p99_ms is None or work.lag_p99_ms is None:
            said = (*flaws(work, by, trial.generator_cpu, ANY), "too many had no right answer")
            failed.append(f"{path} at {per_s:.0f}/s: {said[0]}")
        else:
            seen.append(Seen(model, load, work.p99_ms / 1e3 / SERVICE_S, work.lag_p99_ms))

    _all(
        [
            gevent.spawn(measure, workload, model, load)
            for workload in WORKLOADS
            for model, load in loads.items()
        ]
    )
    if failed:
        raise Unanswered(failed[0])
    return seen


def _all(trials: Sequence[gevent.Greenlet[..., None]]) -> None:
    """Wait for all of them; whatever ends one of them ends all."""
    try:
        gevent.joinall(trials, raise_error=True)
    finally:
        gevent.killall(list(trials))
