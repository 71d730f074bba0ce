"""The time left is estimated well for every kind of run, while its file is played back."""

from __future__ import annotations

from itertools import islice, product
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.cell import Cell
from loadtests.run.survival.agenda import PROOF, SEARCH, Agenda, Job
from loadtests.run.survival.time_left import Pace
from scripts.checks.shared.command import steps
from tests.support.run_files import plan, result, unavailable
from tests.support.timelines import Timeline, within_a_third

if TYPE_CHECKING:
    from loadtests.run.file.lines import Line

MODELS = ("inline", "async", "thread-pool", "process-pool", "interpreter-pool", "hybrid")
CELLS = [(workload, model) for workload in ("sleep", "primes", "sha256") for model in MODELS]
ABSENT = [cell for cell in CELLS if cell[1] == "interpreter-pool" or cell == ("primes", "async")]
KINDS = ["overload", "spike", "faults", "bystanders"]
HEADLINE: dict[str, Any] = {"cells": CELLS, "absent": ABSENT}
FULL: dict[str, Any] = {"mode": "full", "searches": 3}
RUNS: dict[str, dict[str, Any]] = {
    "quick": HEADLINE,
    "full, with all that is beyond the peak": HEADLINE | FULL,
    "full, searches alone": HEADLINE | FULL | {"arguments": {"beyond": ["none"]}},
    "full, two cells": {"cells": CELLS[:2], **FULL},
    "beyond": {"cells": CELLS[:6], "arguments": {"beyond": KINDS}},
    "a long soak": {"cells": CELLS[:3], "arguments": {"beyond": ["soak=10m"]}},
    "several searches": {"cells": CELLS[:2], "searches": 5},
    "budget": HEADLINE | {"arguments": {"budget": "200s"}, "budget_s": 200},
    "full, with a budget": HEADLINE | FULL | {"arguments": {"budget": "30m"}, "budget_s": 1800},
}
SEEDS = range(4)
A, B = Cell("primes", "inline"), Cell("primes", "process-pool")


@pytest.mark.parametrize("name", RUNS)
def test_time_left_is_right_within_a_third_after_the_first_quarter(name: str) -> None:
    shares = [within_a_third(Timeline(**RUNS[name], seed=seed).sitting()) for seed in SEEDS]
    assert fmean(shares) > (0.85 if FULL.items() <= RUNS[name].items() else 0.7)


def test_with_proofs_it_is_mostly_right() -> None:
    """A handful of searches between 12 and 41 s, and as many proofs, cannot be predicted well."""
    runs = [Timeline(CELLS[:6], arguments={"prove": True}, seed=seed) for seed in range(20)]
    assert fmean(within_a_third(run.sitting()) for run in runs) > 0.6


def test_a_resumed_run_is_estimated_from_all_its_jobs() -> None:
    shares = []
    for seed, done in product(SEEDS, (4, 9, 14)):
        run = Timeline(**HEADLINE, arguments={"prove": True}, seed=seed)
        before = list(islice(run.sitting(), 2 * done))
        again = list(run.sitting())
        shares.append(within_a_third([*before, *again], begun=again[0]["at"] - 3.0))
    assert fmean(shares) > 0.65


def after(*lines: Line) -> Pace:
    pace = Pace()
    for line in lines:
        pace.update(line)
    return pace


def test_there_is_no_estimate_before_the_plan() -> None:
    assert Pace().left(3.0) is None
    assert after(plan([A, B])).left(3.0) == pytest.approx(2 * 24, abs=5)


def test_cells_that_are_unavailable_take_next_to_nothing() -> None:
    absent = plan([A, B], absent=[B._asdict()])
    assert after(absent).left_at(0.0) == pytest.approx(24 + 1.5, abs=5)
    known = after(plan([A, B]), unavailable(*B[:2], "no twin")).left_at(30.0)
    assert known == pytest.approx(24, abs=5)


def test_a_resumed_run_counts_from_where_it_stopped() -> None:
    first = after(plan([A, B]), result(*A[:2], 50, 55))
    resumed = after(plan([A, B]), result(*A[:2], 50, 55), {"line": "resumed", "at": 33.0})
    assert resumed.left(3.0) == first.left_at(30.0)
    assert resumed.left(13.0) == pytest.approx(first.left_at(30.0) or 0.0, abs=15)
    end = {"line": "end", "at": 60.0}
    assert after(plan([A]), result(*A[:2], 50, 55), end).left(99.0) == 0


def left(*lines: Line) -> list[Job]:
    agenda = Agenda()
    for line in lines:
        agenda.update(line)
    return agenda.left


def test_what_is_left_to_do_follows_from_the_results() -> None:
    first = plan([A], arguments={"prove": True, "beyond": ["spike=5s"]})
    done = {**result(*A[:2], 50, 55), "cause": "GIL"}
    assert left() == []
    assert left(first) == [Job(A, SEARCH), Job(A, PROOF), Job(A, "spike")]
    assert left(first, done) == [Job(A, PROOF), Job(A, "spike")]
    assert left(first, result(*A[:2], 50, 55)) == [Job(A, "spike")], "no cause, no proof"
    assert left(first, unavailable(*A[:2], "no twin")) == []
    failed = result(*A[:2], None, None, error="no answer")
    assert left(first, failed) == []
    assert left(first, failed, {"line": "resumed"}) == left(first), "it is tried once more"
    more = {"line": "resumed", "searches": 2}
    assert left(first, done, more)[0] == Job(A, SEARCH, 1)


def test_scripts_print_their_steps_and_the_time_left() -> None:
    messages: list[str] = []
    moments = iter((0.0, 60.0, 90.0))
    assert list(steps("abc", messages.append, lambda: next(moments))) == ["a", "b", "c"]
    assert messages == ["a (1 of 3)", "b (2 of 3, about 2 min left)", "c (3 of 3, about 45 s left)"]
