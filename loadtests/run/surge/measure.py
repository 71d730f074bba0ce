"""Offer one surge to one service, and say what became of it: for the terminal and the Locust UI."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import gevent

from loadtests.errors import Untrustworthy
from loadtests.load.schedule import Phase, patience_s
from loadtests.load.spec import SETTLE_S
from loadtests.run.beyond.recovery import recovery_s
from loadtests.run.surge.counts import columns, seconds, stretches, waiting
from loadtests.run.surge.gauges import Gauges
from loadtests.run.surge.phases import NAMES, PROBES, Three, rates
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.tally import tally
from loadtests.trial.verdict import flaws

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.load.arrivals import Kind
    from loadtests.slo import Slo

WARM_S = 1.0  # all workers have started, and have imported what they need
PROBE_S = 2.0


class SurgeLoad(NamedTuple):
    """What is offered: the same for each policy, for the seed is."""

    capacity: float
    durations: Three
    slo: Slo
    seed: int
    kind: Kind = "poisson"


def probe(hammer: CellLoad, durations: Three) -> float:
    """Estimate the capacity: the best of some closed loops, because noise only lowers it.

    They are no longer than the first phase. Raises Untrustworthy when nothing is answered.
    """
    probe_s = min(PROBE_S, durations[0])
    hammer.saturation(min(WARM_S, probe_s))
    capacity = max(hammer.saturation(probe_s) for _ in range(PROBES))
    if not capacity:
        raise Untrustworthy(f"no answer within {probe_s:g} s: there is no capacity to start from")
    return capacity


def offer(
    hammer: CellLoad,
    gauges: Gauges,
    load: SurgeLoad,
    show: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """Run the phases; returns the line of a run file. `show` is told each rate when it begins."""
    slo = load.slo
    phases = [Phase(*one) for one in zip(rates(load.capacity), load.durations, strict=True)]
    rng = Random(load.seed)  # noqa: S311 - a schedule, not a secret
    with gauges, _shown(phases, show):
        passage = hammer.passage(phases, slo, load.kind, rng, patience_s(slo))
    work, length = passage.work, passage.duration_s
    last = gauges.last(passage.zero + length)
    counted = tally(work, slo, length)
    return {
        "phases": [asdict(one) for one in stretches(work, NAMES, phases, slo)],
        "series": columns(seconds(work, length, slo)),
        "recovery_s": recovery_s(work, length - load.durations[2], length, slo),
        "held": last.held if last else None,
        "waited_for": waiting(work, last.at - passage.zero, patience_s(slo)) if last else None,
        "bystander": asdict(tally(passage.bystander, slo, length)),
        "generator_cpu": passage.generator_cpu,
        "flaws": list(flaws(counted, None, passage.generator_cpu, slo, loose=True)),
    }


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
