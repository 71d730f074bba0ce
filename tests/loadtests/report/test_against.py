"""A regression is claimed only where the whole interval of a paired ratio shows it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from loadtests.capacity.estimate import Range
from loadtests.capacity.rounds import QUICK
from loadtests.paths import ROOT
from loadtests.report.against import HIDDEN, Against, against_checks, change_text, verdict
from loadtests.report.check import Outcome
from loadtests.report.summary import summarize
from loadtests.run.file.cells import RowRatio
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line
from scripts.checks.error.cases import CASES, ErrorCase
from scripts.checks.shared.changing_machine import Machine, RoundsLab
from tests.loadtests.report.test_summary import summary_of
from tests.support.run_files import plan, result, standing, write

PAIR = Against("new", "main")
SEEDS = range(2)


def compared(path: Path, ratio: Sequence[float], pair: Against = PAIR) -> str:
    """Compare two rows whose ratio is known: the sentence, without the names."""
    rows = [result("orders", "main", 95, 105), result("orders", "new", 95, 105)]
    paired = [RowRatio("main", "new", Range(*ratio).inverse)]
    first = plan([("orders", "main"), ("orders", "new")])
    file = write(path / "run.jsonl", [first, *rows, standing(rows, ratios=paired)])
    [check] = against_checks(summarize(read(file)), pair)
    head = "`orders`, new against main: "
    assert check.sentence.startswith(head)
    assert (check.subject, check.name) == ("orders", "new against main")
    assert check.figures["change"] == pytest.approx(ratio[0] - 1)
    return check.line[0] + " " + check.sentence.removeprefix(head)


@pytest.mark.parametrize(
    ("ratio", "tolerance", "sentence"),
    [
        ((0.85, 0.82, 0.89), 0.03, "✗ regression: ~15 % (~18 to ~11)."),
        ((0.85, 0.82, 0.89), 0.1, "✗ regression: ~15 % (~18 to ~11)."),
        (
            (0.85, 0.82, 0.89),
            0.12,
            "? cannot tell: ~15 % (~18 to ~11); a loss of 15 % is not excluded.",
        ),
        (
            (0.85, 0.82, 0.89),
            0.2,
            "✓ slower, but not certainly by more than 20 %: ~15 % (~18 to ~11).",
        ),
        ((1.01, 0.95, 1.07), 0.03, "✓ no difference beyond ±7 %: +1 % (~5 to +7)."),
        ((1.0, 0.9, 1.11), 0.03, "✓ no difference beyond ±11 %: 0 % (~10 to +11)."),
        ((1.12, 1.08, 1.16), 0.03, "✓ faster: +12 % (+8 to +16)."),
        (
            (0.95, 0.92, 0.98),
            0.03,
            "✓ slower, but not certainly by more than 3 %: ~5 % (~8 to ~2).",
        ),
        (
            (0.97, 0.8, 1.18),
            0.03,
            "? cannot tell: ~3 % (~20 to +18); a loss of 15 % is not excluded.",
        ),
    ],
)
def test_the_interval_decides_and_is_in_the_sentence(
    ratio: Sequence[float], tolerance: float, sentence: str, tmp_path: Path
) -> None:
    pair = replace(PAIR, tolerance=tolerance)
    assert compared(tmp_path, ratio, pair) == sentence.replace("~", "\N{MINUS SIGN}")


def test_the_page_shows_sentences_as_they_are(tmp_path: Path) -> None:
    page = (ROOT / "loadtests" / "IN_CI.md").read_text("utf-8")
    rows = re.findall(r"^\| `/orders/7`, shop against main: (.+) \| (\d) \|$", page, re.MULTILINE)
    ratios = ((0.85, 0.82, 0.89), (1.01, 0.95, 1.06), (0.96, 0.83, 1.11))
    signs = {"✗": "1", "✓": "0", "?": "3"}
    made = [compared(tmp_path / str(place), ratio) for place, ratio in enumerate(ratios)]
    assert [(line[2:], signs[line[0]]) for line in made] == rows


def checked(path: Path, *lines: Line) -> tuple[Outcome, str]:
    [check] = against_checks(summary_of(path, lines), PAIR)
    return check.outcome, check.sentence.partition(": ")[2]


def test_where_no_ratio_is_known_the_bounds_of_both_decide(tmp_path: Path) -> None:
    some = {name: result("orders", name, 90, 100) for name in ("new", "main")}
    most = {name: result("orders", name, 200, None) for name in ("new", "main")}
    none = {name: result("orders", name, 0, 4, "late") for name in ("new", "main")}
    minus = "\N{MINUS SIGN}"
    cases = [
        (some["new"], most["main"], "fails", f"regression: at most {minus}50 %."),
        (most["new"], some["main"], "holds", "faster: at least +100 %."),
        (none["new"], some["main"], "fails", f"regression: at most {minus}96 %."),
        (none["new"], none["main"], "cannot tell", "cannot tell: main sustains no load."),
        (
            *(most["new"], most["main"], "cannot tell"),
            "cannot tell: both sustain all that the load generator offers (see --generators).",
        ),
    ]
    for number, (new, base, outcome, sentence) in enumerate(cases):
        assert checked(tmp_path / str(number), new, base) == (outcome, sentence)


def test_what_was_not_measured_cannot_be_told_with_the_reason(tmp_path: Path) -> None:
    gone = result("orders", "new", None, None, error="it answered 500")
    assert checked(tmp_path, gone, result("orders", "main", 90, 100)) == (
        *("cannot tell", "cannot tell: new has no result (it answered 500)."),
    )


def test_each_request_and_variant_is_compared_with_its_own(tmp_path: Path) -> None:
    rows = [
        result(column, model, 90, 100, variant=variant)
        for column in ("orders", "items")
        for model in ("new", "main", "other")
        for variant in ("", "2 workers", *(["4 workers"] if model == "new" else []))
    ]
    names = [(line["workload"], line["model"], line["variant"]) for line in rows]
    cells = [dict(zip(("workload", "model", "variant"), name, strict=True)) for name in names]
    checks = against_checks(summary_of(tmp_path, rows, cells=cells), PAIR)
    assert [(check.subject, check.name) for check in checks] == [
        (column, name)
        for column in ("orders", "items")
        for name in ("new against main", "new · 2 workers against main · 2 workers")
    ]
    assert {check.outcome for check in checks} == {"holds"}


def test_an_open_end_is_never_written_as_a_number() -> None:
    assert change_text(Range(2.0, 2.0, inf)) == "at least +100 %"
    assert change_text(Range(0.5, 0.0, 0.5)) == "at most \N{MINUS SIGN}50 %"


def simulated(case: ErrorCase, loss: float, seed: str) -> Range:
    """Measure two rows in rounds on a simulated machine: the second sustains less by `loss`."""
    base, new = case.rows()[:2]
    rows = base, replace(new, demand_s=new.demand_s / (1 - loss))
    lab = RoundsLab(rows, case.slo, Machine(case.machine, seed), seed, case.disturbed, False)
    return lab.measure(QUICK).estimates.ratio(new.name, base.name)


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_it_finds_a_loss_of_15_percent_and_none_where_there_is_none(case: ErrorCase) -> None:
    equal = [verdict(simulated(case, 0.0, f"gate-{seed}"), PAIR) for seed in SEEDS]
    assert set(equal) == {"holds"}
    slower = [verdict(simulated(case, HIDDEN, f"gate-{seed}"), PAIR) for seed in SEEDS]
    assert set(slower) == {"fails"}
