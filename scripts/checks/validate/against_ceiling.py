"""Pools reach nearly the rate that arithmetic allows, even on cores whose speed keeps changing.

A whole run takes minutes, and the estimate that it is compared with is as old. So here each load, a
share of the estimate, runs between two calibrations, and counts only if these agree.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.capacity.calibration import Calibration
from loadtests.capacity.demands import Demands, Supply, limits
from loadtests.machine.sentinel import Sentinel
from scripts.checks.shared.calibrated_cell import CalibratedCell, connect
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
        with (
            testbed.server(model) as server,
            connect(server, workload, model, parameters) as cell,
        ):
            name = f"{workload} under {model} at {share:g} of its estimate"
            findings.append(_shown(name, *_rounds(testbed, cell, share, sentinel)))
    return Case.of(
        "efficiency", "thread-pool sustains 0.95 of its estimate, process-pool 0.9", findings,
        f"only rounds whose estimates before and after agree within {100 * STEADY:.0f} %",
    )  # fmt: skip


def _rounds(
    testbed: Testbed, cell: CalibratedCell, share: float, sentinel: Sentinel
) -> tuple[list[bool], list[float]]:
    """Whether the trials of the rounds that count passed, and the estimates of all rounds."""
    before = cell.calibrate()
    estimates, passed = [_estimate(before)], []
    for _ in range(testbed.rounds(TRIES)):
        trial = cell.trial(share * estimates[-1], testbed.seconds(TRIAL_S), before, sentinel)
        before = cell.calibrate()
        estimates.append(_estimate(before))
        steady = abs(estimates[-1] / estimates[-2] - 1) <= STEADY
        if testbed.fast or (steady and trial["valid"]):
            passed.append(trial["held"])
        if len(passed) == ROUNDS:
            break
    return passed, estimates


def _estimate(measured: Calibration) -> float:
    known = limits(Demands.of(measured.lone, measured.crowd), Supply.of(measured.crowd))
    if not known:
        raise Unanswered("the server reports nothing to calculate an estimate from")
    return known[0].rate


def _shown(name: str, passed: list[bool], estimates: list[float]) -> Finding:
    swing = f"estimates {min(estimates):.0f}–{max(estimates):.0f}/s"
    if not passed:
        return Finding(f"{name}: no round counted, {swing}", False, "some that count")
    share = sum(passed) / len(passed)
    shown = f"{name}: {sum(passed)} of {len(passed)} passed, {swing}"
    return Finding(shown, share >= HALF, "half of them")
