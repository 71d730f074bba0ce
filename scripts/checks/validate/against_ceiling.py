"""Pools reach nearly the rate that arithmetic allows, even on cores whose speed keeps changing.

A whole run takes minutes, and the estimate that it is compared with is as old. So here each load, a
share of the estimate, runs between two calibrations, and counts only if these agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from loadtests.cell import Cell
from loadtests.machine.sentinel import Sentinel
from scripts.checks.shared.calibrated_cell import CalibratedCell, calibrated
from scripts.checks.validate.case import Case, Finding
from scripts.checks.validate.load import Unanswered
from scripts.checks.validate.testbed import Testbed

CELLS: tuple[tuple[str, str, Mapping[str, str], float], ...] = (
    ("sleep", "thread-pool", {"ms": "50"}, 0.95),
    ("primes", "process-pool", {}, 0.9),
)
TRIAL_S = 10.0
TRIES = 24
ROUNDS = 8
STEADY = 0.05
HALF = 0.5  # a load that equals the capacity passes in half of the trials


def efficiency(testbed: Testbed) -> Case:
    """Offer a waiting pool 0.95 of its estimate and a computing one 0.9; half must pass."""
    findings: list[Finding] = []
    sentinel = Sentinel()
    for workload, model, parameters, share in CELLS:
        with testbed.server(model) as server:
            name = f"{workload} under {model} at {share:g} of its estimate"
            connect = partial(calibrated, server, Cell(workload, model), parameters, sentinel)
            findings.append(_shown(name, *_rounds(testbed, connect, share)))
    return Case.of(
        "efficiency", "thread-pool sustains 0.95 of its estimate, process-pool 0.9", findings,
        f"only rounds whose estimates before and after agree within {100 * STEADY:.0f} %",
    )  # fmt: skip


def _rounds(
    testbed: Testbed, connect: Callable[[], AbstractContextManager[CalibratedCell]], share: float
) -> tuple[list[bool], list[float]]:
    """Whether the trials of the rounds that count passed, and the estimates of all rounds."""
    estimates: list[float] = []
    passed: list[bool] = []
    trial: Mapping[str, Any] = {}
    tries = testbed.rounds(TRIES)
    for number in range(tries + 1):
        with connect() as cell:
            if not cell.ceiling:
                raise Unanswered("the server reports nothing to calculate an estimate from")
            estimates.append(cell.ceiling)
            if trial and (testbed.fast or (_steady(estimates) and trial["valid"])):
                passed.append(trial["held"])
            if number == tries or len(passed) == ROUNDS:
                break
            trial = cell.trial(share * cell.ceiling, testbed.seconds(TRIAL_S))
    return passed, estimates


def _steady(estimates: Sequence[float]) -> bool:
    return abs(estimates[-1] / estimates[-2] - 1) <= STEADY


def _shown(name: str, passed: list[bool], estimates: list[float]) -> Finding:
    swing = f"estimates {min(estimates):.0f}–{max(estimates):.0f}/s"
    if not passed:
        return Finding(f"{name}: no round counted, {swing}", False, "some that count")
    share = sum(passed) / len(passed)
    shown = f"{name}: {sum(passed)} of {len(passed)} passed, {swing}"
    return Finding(shown, share >= HALF, "half of them")
