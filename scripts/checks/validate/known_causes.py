"""The diagnosis names the cause of bottlenecks that are planted in real servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import NamedTuple

from loadtests.cell import Cell
from loadtests.errors import Untrustworthy
from loadtests.machine.platform import usable_cores
from loadtests.machine.sentinel import Sentinel
from scripts.checks.shared.calibrated_cell import calibrated
from scripts.checks.shared.children import busy
from scripts.checks.shared.command import show
from scripts.checks.validate.case import Case, Finding
from scripts.checks.validate.plants import PLANTS, Plant
from scripts.checks.validate.testbed import Testbed

TRIAL_S = 3.0
HELD = "held"  # what is found if a load did not break it


class Outcome(NamedTuple):
    """What was found for one load of a plant, whose cause is the `truth`."""

    truth: str
    found_cause: str
    right: bool
    sentence: str = ""


def planted(
    testbed: Testbed, plants: Mapping[str, Plant] = PLANTS, number: str = "planted"
) -> Case:
    """Check the cause of planted bottlenecks at several loads; prints which was taken for which."""
    findings, outcomes, sentinel = [], list[Outcome](), Sentinel()
    for name, plant in plants.items():
        try:
            known = [*_outcomes(testbed, plant, sentinel)]
        except Untrustworthy:  # work that fails may fail at its first request
            known = [*_outcomes(testbed, plant, sentinel)]
        outcomes += known
        wrong = next((outcome for outcome in known if not outcome.right), known[-1])
        right, loads = sum(outcome.right for outcome in known), len(known)
        shown = f"{name}: {wrong.found_cause} ({wrong.sentence}), {right} of {loads} right"
        broken = any(outcome.found_cause != HELD for outcome in known)
        findings.append(Finding(shown, right == loads and broken, plant.cause))
        show(shown)
    for line in ("", *confusion(outcomes), ""):
        show(line)
    return Case.of(number, "the cause of each planted bottleneck is named", findings)


def _outcomes(testbed: Testbed, plant: Plant, sentinel: Sentinel) -> Iterator[Outcome]:
    """Offer its loads, and say what the trials were diagnosed with."""
    with (
        testbed.server(plant.model, *plant.options) as server,
        calibrated(
            server,
            Cell(plant.workload, plant.model),
            plant.parameters,
            sentinel,
            plant.heard,
            slo=plant.slo,
        ) as cell,
    ):
        for times in plant.times[: testbed.rounds(len(plant.times))]:
            rate = times * (plant.rate or cell.saturation)
            with busy(len(usable_cores())) if plant.neighbours else nullcontext():
                trial = cell.trial(rate, testbed.seconds(TRIAL_S))
            lost = max(trial[stream]["loss_ratio"] for stream in ("work", "bystander"))
            if lost <= plant.slo.loss_ratio:  # void trials have a cause even if they held
                yield Outcome(plant.cause, HELD, True, f"at {rate:.0f} req/s")
                continue
            name = trial["cause"]["name"]
            yield Outcome(plant.cause, name, plant.accepts(name), trial["cause"]["sentence"])


def confusion(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Write a Markdown table: how often each cause was found for each truth; loads that held aside.

    Precision is the share of right ones among all that got a word, recall among all that it should
    have got. Another word for the same limit counts as right.
    """
    broke = [outcome for outcome in outcomes if outcome.found_cause != HELD]
    words = sorted({word for outcome in broke for word in outcome[:2]})
    yield f"| truth ↓, named → | {' | '.join(words)} | recall |"
    yield f"|---|{'---|' * (len(words) + 1)}"
    for truth in words:
        named = [outcome for outcome in broke if outcome.truth == truth]
        counts = [sum(outcome.found_cause == word for outcome in named) for word in words]
        cells = " | ".join(str(count) if count else "" for count in counts)
        yield f"| {truth} | {cells} | {_share(named)} |"
    right = [[outcome for outcome in broke if outcome.found_cause == word] for word in words]
    yield f"| precision | {' | '.join(map(_share, right))} | {_share(broke)} |"


def _share(outcomes: Sequence[Outcome]) -> str:
    right = sum(outcome.right for outcome in outcomes)
    return f"{100 * right / len(outcomes):.0f} %" if outcomes else "–"
