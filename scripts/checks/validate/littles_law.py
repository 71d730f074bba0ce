"""A pool answers slots ÷ wait (Little's law), and a queue keeps its p99 up to a known load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import gevent

from loadtests.slo import Slo
from loadtests.trial.tally import lag_allowed_s
from loadtests.trial.verdict import flaws
from scripts.checks.shared.oracle import MODELS, WORKLOADS, running
from scripts.checks.validate.against_formula import crossing
from scripts.checks.validate.case import Case, within
from scripts.checks.validate.load import ANY, Unanswered, rate, trial
from scripts.checks.validate.testbed import PATIENT, Testbed

POOL = 8
WAIT_MS = 50
LITTLE = POOL / WAIT_MS * 1e3
LITTLE_S = 4.0
LITTLE_ROUNDS = 3
CLIENTS = 32

SERVICE_S = 0.010
TRIAL_S = 12.0
ROUNDS = 2
# Around the two known values of each: far enough apart to fit a line, close enough for one.
LOADS = {"m-d-1": (0.45, 0.55, 0.65, 0.75, 0.85), "m-d-2": (0.65, 0.73, 0.81, 0.87, 0.93)}
KNOWN = {"m-d-1": {5: 0.57, 10: 0.78}, "m-d-2": {5: 0.76, 10: 0.89}}
SLACK = 0.07


def little(testbed: Testbed) -> Case:
    """Case 5: at most 160/s, apart from the eight answers at each end of the window."""
    with testbed.server("thread-pool", "--threads", str(POOL), *PATIENT) as server:
        path = f"/sleep/thread-pool?ms={WAIT_MS}"
        seconds = testbed.seconds(LITTLE_S)
        rates = [
            rate(server.url, path, CLIENTS, seconds) for _ in range(testbed.rounds(LITTLE_ROUNDS))
        ]
    finding = within("sustains", rates, 0.9 * LITTLE, LITTLE + POOL / seconds, "/s")
    return Case.of("5", "a pool of 8 that waits for 50 ms sustains 160/s (≥ 144)", [finding])


class QueueTrial(NamedTuple):
    """One trial: p99 in service times, and p99 of the send lag."""

    model: str
    load: float
    p99: float
    lag_ms: float


def filled(testbed: Testbed) -> Case:
    """Case 8: the utilisation of M/D/1 and M/D/2 up to which p99 stays below k service times.

    Trials of 12 s find 0.01 to 0.03 too much (by simulation), and four of them at each of five
    loads find the crossing within 0.02, so a deviation of 0.07 is more than chance.
    """
    trials: list[QueueTrial] = []
    with running(SERVICE_S) as url:
        for turn in range(testbed.rounds(ROUNDS)):
            for loads in zip(*LOADS.values(), strict=True):
                pairs = dict(zip(LOADS, loads, strict=True))
                trials += _side_by_side(url, pairs, turn, testbed.seconds(TRIAL_S))
    findings = [
        within(
            f"c={MODELS[model]}, k={k}",
            [crossing([(trial.load, trial.p99) for trial in trials if trial.model == model], k)],
            known - SLACK,
            known + SLACK,
            f"(true {known})",
        )
        for model, of_k in KNOWN.items()
        for k, known in of_k.items()
    ]
    claim = "M/D/c: p99 ≤ k service times up to a utilisation of .57, .78 (c=1) and .76, .89 (c=2)"
    shortest = Slo(99, SERVICE_S * min(k for of_k in KNOWN.values() for k in of_k))
    late = sum(trial.lag_ms > 1e3 * lag_allowed_s(shortest) for trial in trials)
    note = f"the generator was late in {late} of {len(trials)} trials" if late else ""
    return Case.of("8", claim, findings, note)


def _side_by_side(url: str, loads: dict[str, float], turn: int, seconds: float) -> list[QueueTrial]:
    """Measure all queues at once, each twice: they need no CPU and are independent."""
    trials: list[QueueTrial] = []
    failed: list[str] = []

    def measure(workload: str, model: str, load: float) -> None:
        path, per_s = f"/{workload}/{model}", load * MODELS[model] / SERVICE_S
        result = trial(url, path, per_s, seconds, f"{turn}/{workload}/{load}")
        work, by = result.work, result.bystander
        if work.p99_ms is None or work.lag_p99_ms is None:
            reasons = (
                *flaws(work, by, result.generator_cpu, ANY),
                "too many requests had no correct answer",
            )
            failed.append(f"{path} at {per_s:.0f}/s: {reasons[0]}")
        else:
            trials.append(QueueTrial(model, load, work.p99_ms / 1e3 / SERVICE_S, work.lag_p99_ms))

    _all(
        [
            gevent.spawn(measure, workload, model, load)
            for workload in WORKLOADS
            for model, load in loads.items()
        ]
    )
    if failed:
        raise Unanswered(failed[0])
    return trials


def _all(trials: Sequence[gevent.Greenlet[..., None]]) -> None:
    """Wait for all of them; an error in one ends all."""
    try:
        gevent.joinall(trials, raise_error=True)
    finally:
        gevent.killall(list(trials))
