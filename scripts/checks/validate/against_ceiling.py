"""How near a model comes to what arithmetic allows, on cores whose speed keeps changing.

A search takes minutes, and the ceiling that it is held against is as old. So a load of a share
of the ceiling stands here between two calibrations, and counts if these agree.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.capacity.calibration import Calibration
from loadtests.capacity.demands import Demands, Supply, limits
from loadtests.machine.sentinel import Sentinel
from scripts.checks.shared.tried_cell import Tried, tried
from scripts.checks.validate.bench import Bench
from scripts.checks.validate.case import Case, Finding
from scripts.checks.validate.load import Unanswered

CELLS: tuple[tuple[str, str, Mapping[str, str], float], ...] = (
    ("sleep", "thread-pool", {"ms": "50"}, 0.95),
    ("primes", "process-pool", {}, 0.9),
)
TRIAL_S = 10.0
TRIES = 24
ROUNDS = 8
STEADY = 0.05
HALF = 0.5  # a load of just the capacity holds as often as not


def efficiency(bench: Bench) -> Case:
    """Offer 0.95 of its ceiling to a pool that waits, 0.9 to one that computes: half must hold."""
    findings: list[Finding] = []
    with Sentinel() as sentinel:
        for workload, model, parameters, share in CELLS:
            with bench.server(model) as server, tried(server, workload, model, parameters) as cell:
                name = f"{workload} under {model} at {share:g} of its ceiling"
                findings.append(_shown(name, *_rounds(bench, cell, share, sentinel)))
    return Case.of(
        "efficiency", "thread-pool bears 0.95 of its ceiling, process-pool 0.9", findings,
        f"of rounds whose ceilings before and after agree within {100 * STEADY:.0f} %",
    )  # fmt: skip


def _rounds(
    bench: Bench, cell: Tried, share: float, sentinel: Sentinel
) -> tuple[list[bool], list[float]]:
    """Whether it held, in those rounds that count; and the ceilings of all rounds."""
    before = cell.calibrate()
    ceilings, held = [_ceiling(before)], []
    for _ in range(bench.rounds(TRIES)):
        said = cell.trial(share * ceilings[-1], bench.seconds(TRIAL_S), before, sentinel)
        before = cell.calibrate()
        ceilings.append(_ceiling(before))
        steady = abs(ceilings[-1] / ceilings[-2] - 1) <= STEADY
        if bench.fast or (steady and said["valid"]):
            held.append(said["held"])
        if len(held) == ROUNDS:
            break
    return held, ceilings


def _ceiling(found: Calibration) -> float:
    known = limits(Demands.of(found.lone, found.crowd), Supply.of(found.crowd))
    if not known:
        raise Unanswered("the server tells nothing that a ceiling could be reckoned from")
    return known[0].rate


def _shown(name: str, held: list[bool], ceilings: list[float]) -> Finding:
    swing = f"ceilings {min(ceilings):.0f}–{max(ceilings):.0f}/s"
    if not held:
        return Finding(f"{name}: no round counts, {swing}", False, "some that do")
    share = sum(held) / len(held)
    shown = f"{name}: {sum(held)} of {len(held)} held, {swing}"
    return Finding(shown, share >= HALF, "half of them")
