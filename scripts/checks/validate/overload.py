"""What is left of a service's goodput when a tenth more comes than it bears."""

from __future__ import annotations

from contextlib import closing
from random import Random
from statistics import median

from loadtests.load.schedule import Phase, patience_s
from loadtests.load.source import InProcess
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.tally import tally
from scripts.checks.validate.bench import Bench
from scripts.checks.validate.case import Case, Finding, told, within
from scripts.checks.validate.convoy import working
from scripts.checks.validate.load import rate, settle

FACTOR = 1.1
PEAK_S = 2.0
OVER_S = 8.0
ROUNDS = 2
TRIES = 6
STEADY = 0.05  # half of what is too much: cores that became faster by more are not overloaded
MODELS = ("inline", "process-pool")
CLIENTS = 4
SLO = Slo(99, 0.25)


def overload(bench: Bench) -> Case:
    """Case 10: inline 141/s to 118/s at 1.1 × its peak; a pool with a bounded queue holds.

    The peak is what few waiting clients get. Goodput is what is answered within 250 ms; clients
    hang up after a second. A round counts if the peak was the same before and after it.
    """
    with working(bench) as (url, query):
        rounds = {model: _rounds(bench, url, model, query) for model in MODELS}
    bounds = {"inline": (0.0, 0.95), "process-pool": (0.85, 1.15)}
    findings = []
    for model, found in rounds.items():
        if not found:
            findings.append(Finding(f"{model}: its peak was never steady", False, "one that is"))
            continue
        before, after = (median(column) for column in zip(*found, strict=True))
        findings.append(told(f"{model} {before:.0f} to {after:.0f}/s"))
        kept = [good / peak for peak, good in found]
        findings.append(within(f"{model} kept", kept, *bounds[model]))
    return Case.of(
        "10",
        "at 1.1 × the peak the goodput of inline falls (< 0.95), that of a process pool stays",
        findings,
        "admission as by default, which cannot refuse what blocks the event loop itself",
    )


def _rounds(bench: Bench, url: str, model: str, query: str) -> list[tuple[float, float]]:
    """Peak and goodput of those rounds in which the peak was steady; none, if it never was."""
    path = f"/count/{model}{query}"

    def peak() -> float:
        settle(url)
        return rate(url, path, CLIENTS, bench.seconds(PEAK_S))

    before, found = peak(), []
    for turn in range(bench.rounds(TRIES)):
        phase = Phase(FACTOR * before, bench.seconds(OVER_S))
        good = _goodput(url, ("count", model), path, phase, turn)
        after = peak()
        if bench.fast or abs(after / before - 1) <= STEADY:
            found.append(((before + after) / 2, good))
        if len(found) == ROUNDS:
            break
        before = after
    return found


def _goodput(url: str, cell: tuple[str, str], path: str, phase: Phase, seed: int) -> float:
    with closing(CellLoad(url, cell, path, b"", InProcess())) as hammer:
        rng = Random(seed)  # noqa: S311 - a schedule, no secret
        passage = hammer.passage([phase], SLO, "poisson", rng, patience_s(SLO))
    return tally(passage.work, SLO, passage.duration_s).goodput
