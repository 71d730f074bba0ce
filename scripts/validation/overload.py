"""What is left of a service's goodput when a tenth more comes than it bears."""

from __future__ import annotations

from contextlib import closing
from random import Random
from statistics import median

from loadtests.hammer import Hammer
from loadtests.offer import Local
from loadtests.passage import Phase, patience_s
from loadtests.slo import Slo
from loadtests.tally import tally
from scripts.validation.bench import Bench
from scripts.validation.case import Case, told, within
from scripts.validation.lag import working
from scripts.validation.load import rate, settle

FACTOR = 1.1
PEAK_S = 2.0
OVER_S = 8.0
ROUNDS = 2
MODELS = ("inline", "process-pool")
CLIENTS = 4
SLO = Slo(99, 0.25)


def overload(bench: Bench) -> Case:
    """Case 10: inline 141/s to 118/s at 1.1 × its peak; a pool with a bounded queue holds.

    The peak is what few waiting clients get. Goodput is what is answered within 250 ms; clients
    hang up after a second.
    """
    kept: dict[str, list[float]] = {model: [] for model in MODELS}
    shown: dict[str, list[tuple[float, float]]] = {model: [] for model in MODELS}
    with working(bench) as (url, query):
        for turn in range(bench.rounds(ROUNDS)):
            for model in MODELS:
                path = f"/count/{model}{query}"
                settle(url)
                peak = rate(url, path, CLIENTS, bench.seconds(PEAK_S))
                phase = Phase(FACTOR * peak, bench.seconds(OVER_S))
                got = _goodput(url, ("count", model), path, phase, turn)
                kept[model].append(got / peak)
                shown[model].append((peak, got))
    inline, processes = (
        f"{model} {median(peak for peak, _ in shown[model]):.0f} to "
        f"{median(got for _, got in shown[model]):.0f}/s"
        for model in MODELS
    )
    return Case.of(
        "10",
        "at 1.1 × the peak the goodput of inline falls (< 0.95), that of a process pool stays",
        [
            told(inline),
            within("inline kept", kept["inline"], 0.0, 0.95),
            told(processes),
            within("process-pool kept", kept["process-pool"], 0.85, 1.15),
        ],
        "admission as by default, which cannot refuse what blocks the event loop itself",
    )


def _goodput(url: str, cell: tuple[str, str], path: str, phase: Phase, seed: int) -> float:
    with closing(Hammer(url, cell, path, b"", Local())) as hammer:
        rng = Random(seed)  # noqa: S311 - a schedule, no secret
        passage = hammer.passage([phase], SLO, "poisson", rng, patience_s(SLO))
    return tally(passage.work, SLO, passage.duration_s).goodput
