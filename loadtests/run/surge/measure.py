"""Offer a surge to a service and count the outcomes: for the terminal and the Locust UI."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import accumulate
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import gevent

from loadtests.errors import Untrustworthy
from loadtests.load.http import ConnectionPool
from loadtests.load.schedule import Phase, patience_s
from loadtests.load.spec import SETTLE_S
from loadtests.run.beyond.goodput import recovery_s
from loadtests.run.surge.lines import OutcomeCounts, PhaseResult, columns
from loadtests.run.surge.phases import NAMES, PROBES, Three, rates
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.tally import good, percentile_ms, tally
from loadtests.trial.verdict import flaws

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.load.answer import Answer
    from loadtests.load.arrivals import Kind
    from loadtests.slo import Slo

WARM_S = 1.0  # all workers have started, and have imported what they need
PROBE_S = 2.0
GAUGE_S = 1.0  # between two looks at a service
COUNTED_AS = {"refused": "refused", "expired": "refused", "unfinished": "gave_up"}


class SurgeLoad(NamedTuple):
    """The offered load; the seed makes it the same for each policy."""

    capacity: float
    durations: Three
    slo: Slo
    seed: int
    kind: Kind = "poisson"


class Gauge(NamedTuple):
    """The requests that a model had queued or was running at a monotonic time."""

    at: float
    held: int


class Gauges:
    """Reads the gauge of a model every second while the block runs, where it can be read."""

    def __init__(self, url: str, model: str) -> None:
        self._connections = ConnectionPool(url)
        self._model = model
        self._gauges: list[Gauge] = []
        self._loop: gevent.Greenlet[..., None] | None = None

    def last(self, until: float) -> Gauge | None:
        """Return the last gauge before a monotonic time."""
        return max((gauge for gauge in self._gauges if gauge.at <= until), default=None)

    def _watch(self) -> None:
        while True:
            with suppress(OSError, ValueError, LookupError, TypeError):
                body = self._connections.get("/stats").body
                model = json.loads(body)["models"][self._model]
                self._gauges.append(Gauge(monotonic(), model["busy"] + model["queued"]))
            gevent.sleep(GAUGE_S)

    def __enter__(self) -> Self:
        self._loop = gevent.spawn(self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop:
            self._loop.kill()
        self._connections.close()


def probe(cell_load: CellLoad, durations: Three) -> float:
    """Estimate the capacity: the best of some closed loops, because noise only lowers it.

    They last no longer than the first phase. Raises Untrustworthy when nothing is answered.
    """
    probe_s = min(PROBE_S, durations[0])
    cell_load.saturation(min(WARM_S, probe_s))
    capacity = max(cell_load.saturation(probe_s) for _ in range(PROBES))
    if not capacity:
        raise Untrustworthy(f"no answer within {probe_s:g} s, so the capacity is unknown")
    return capacity


def offer(
    cell_load: CellLoad,
    gauges: Gauges,
    load: SurgeLoad,
    show: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """Run the phases, and return a line of a run file. `show` gets each rate when it begins."""
    slo = load.slo
    phases = [Phase(*phase) for phase in zip(rates(load.capacity), load.durations, strict=True)]
    rng = Random(load.seed)  # noqa: S311 - a schedule, not a secret
    with gauges, _shown(phases, show):
        result = cell_load.passage(phases, slo, load.kind, rng, patience_s(slo))
    work, length = result.work, result.duration_s
    last = gauges.last(result.zero + length)
    counted = tally(work, slo, length)
    return {
        "phases": [asdict(phase) for phase in phase_results(work, NAMES, phases, slo)],
        "series": columns(per_second(work, length, slo)),
        "recovery_s": recovery_s(work, length - load.durations[2], length, slo),
        "held": last.held if last else None,
        "waited_for": waiting(work, last.at - result.zero, patience_s(slo)) if last else None,
        "bystander": asdict(tally(result.bystander, slo, length)),
        "generator_cpu": result.generator_cpu,
        "flaws": list(flaws(counted, None, result.generator_cpu, slo, loose=True)),
    }


def phase_results(
    answers: Sequence[Answer],
    names: Sequence[str],
    phases: Sequence[tuple[float, float]],
    slo: Slo,
) -> tuple[PhaseResult, ...]:
    """Sum up consecutive phases, each given as its rate and its duration."""
    starts = accumulate((seconds for _, seconds in phases), initial=0.0)
    results = []
    for name, start, (rate, seconds) in zip(names, starts, phases, strict=False):
        part = [answer for answer in answers if start <= answer.intended_s < start + seconds]
        times = sorted(
            answer.ended_s - answer.intended_s
            for answer in part
            if answer.outcome == "ok" and answer.ended_s is not None
        )
        p99 = percentile_ms(times, 99)
        results.append(PhaseResult(name, start, seconds, rate, _counts(part, slo), p99))
    return tuple(results)


def per_second(answers: Sequence[Answer], duration_s: float, slo: Slo) -> tuple[OutcomeCounts, ...]:
    """Count the outcomes of the requests of each second."""
    parts: list[list[Answer]] = [[] for _ in range(round(duration_s))]
    for answer in answers:
        if 0 <= answer.intended_s < duration_s:
            parts[int(answer.intended_s)].append(answer)
    return tuple(_counts(part, slo) for part in parts)


def waiting(answers: Sequence[Answer], at_s: float, patience_s: float) -> int:
    """Count the clients that waited for an answer at one moment."""
    return sum(
        answer.sent_s is not None
        and answer.sent_s <= at_s < answer.intended_s + patience_s
        and (answer.ended_s is None or answer.ended_s > at_s)
        for answer in answers
    )


def _counts(answers: Sequence[Answer], slo: Slo) -> OutcomeCounts:
    return OutcomeCounts(len(answers), **Counter(_outcome(answer, slo) for answer in answers))


def _outcome(answer: Answer, slo: Slo) -> str:
    if answer.outcome == "ok":
        return "good" if good(answer, slo) else "late"
    return COUNTED_AS.get(answer.outcome, "failed")


@contextmanager
def _shown(phases: Sequence[Phase], show: Callable[[float], None]) -> Iterator[None]:
    def step() -> None:
        wait_s = SETTLE_S
        for phase in phases:
            show(phase.rate)
            gevent.sleep(wait_s + phase.duration_s)
            wait_s = 0.0

    greenlet = gevent.spawn(step)
    try:
        yield
    finally:
        greenlet.kill()
