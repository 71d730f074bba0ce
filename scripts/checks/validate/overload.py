"""Overload by 10 % ruins the goodput of `inline`, not that of a pool with a bounded queue."""

from __future__ import annotations

from contextlib import closing
from random import Random
from statistics import median

from loadtests.load.request import RequestSpec
from loadtests.load.schedule import Phase, patience_s
from loadtests.load.source import InProcess
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.tally import tally
from scripts.checks.validate.case import Case, Finding, remark, within
from scripts.checks.validate.convoy import working
from scripts.checks.validate.load import rate, settle
from scripts.checks.validate.testbed import Testbed

FACTOR = 1.1
PEAK_S = 2.0
OVER_S = 8.0
ROUNDS = 2
TRIES = 6
STEADY = 0.05  # half of the overload: on cores that speed up by more there is none
MODELS = ("inline", "process-pool")
CLIENTS = 4
SLO = Slo(99, 0.25)


def overload(testbed: Testbed) -> Case:
    """Case 10: at 1.1 × its peak, inline drops e.g. from 141/s to 118/s; a process pool does not.

    The peak is the rate of a few waiting clients. Goodput counts answers within 250 ms; clients
    give up after a second. A round counts if the peak was the same before and after it.
    """
    with working(testbed) as (url, query):
        rounds = {model: _rounds(testbed, url, model, query) for model in MODELS}
    bounds = {"inline": (0.0, 0.95), "process-pool": (0.85, 1.15)}
    findings = []
    for model, pairs in rounds.items():
        if not pairs:
            findings.append(Finding(f"{model}: its peak was never steady", False, "a steady one"))
            continue
        before, after = (median(column) for column in zip(*pairs, strict=True))
        findings.append(remark(f"{model} {before:.0f} to {after:.0f}/s"))
        kept = [good / peak for peak, good in pairs]
        findings.append(within(f"{model} kept", kept, *bounds[model]))
    return Case.of(
        "10",
        "at 1.1 × the peak the goodput of inline falls (< 0.95), that of a process pool stays",
        findings,
        "with the default admission, which cannot refuse work that blocks the event loop itself",
    )


def _rounds(testbed: Testbed, url: str, model: str, query: str) -> list[tuple[float, float]]:
    """Peak and goodput of the rounds in which the peak was steady."""
    path = f"/count/{model}{query}"

    def peak() -> float:
        settle(url)
        return rate(url, path, CLIENTS, testbed.seconds(PEAK_S))

    before, pairs = peak(), []
    for turn in range(testbed.rounds(TRIES)):
        phase = Phase(FACTOR * before, testbed.seconds(OVER_S))
        good = _goodput(url, ("count", model), path, phase, turn)
        after = peak()
        if testbed.fast or abs(after / before - 1) <= STEADY:
            pairs.append(((before + after) / 2, good))
        if len(pairs) == ROUNDS:
            break
        before = after
    return pairs


def _goodput(url: str, cell: tuple[str, str], path: str, phase: Phase, seed: int) -> float:
    request = RequestSpec(path, target=path, status=200)
    with closing(CellLoad(url, cell, request, InProcess())) as cell_load:
        rng = Random(seed)  # noqa: S311 - a schedule, no secret
        result = cell_load.passage([phase], SLO, "poisson", rng, patience_s(SLO))
    return tally(result.work, SLO, result.duration_s).goodput
