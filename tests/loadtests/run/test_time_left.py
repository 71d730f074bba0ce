"""The time left is estimated well for every kind of run, while its file is played back."""

from __future__ import annotations

from itertools import islice, product
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.cell import Cell
from loadtests.run.survival.agenda import PROOF, ROUNDS, Agenda, Job
from loadtests.run.survival.time_left import Pace
from scripts.checks.shared.command import steps
from tests.support.run_files import plan, result, unavailable
from tests.support.timelines import Timeline, within_a_third

if TYPE_CHECKING:
    from loadtests.run.file.lines import Line

MODELS = ("inline", "async", "thread-pool", "process-pool", "interpreter-pool", "hybrid")
WORKLOADS = ("sleep", "primes", "sha256", "scrape")
CELLS = [(workload, model) for workload in WORKLOADS for model in MODELS]
ABSENT = [cell for cell in CELLS if cell[1] == "interpreter-pool" or cell == ("primes", "async")]
KINDS = ["overload", "spike", "faults", "bystanders"]
HEADLINE: dict[str, Any] = {"cells": CELLS, "absent": ABSENT}
FULL: dict[str, Any] = {"mode": "full"}
RUNS: dict[str, dict[str, Any]] = {
    "quick": HEADLINE,
    "full, with all that is beyond the peak": HEADLINE | FULL,
    "full, rounds alone": HEADLINE | FULL | {"arguments": {"beyond": ["none"]}},
    "full, two cells": {"cells": CELLS[:2], **FULL},
    "beyond": {"cells": CELLS[:6], "arguments": {"beyond": KINDS}},
    "a long soak": {"cells": CELLS[:3], "arguments": {"beyond": ["soak=10m"]}},
    "proofs": {"cells": CELLS[:6], "arguments": {"prove": True}},
    "budget": HEADLINE | {"arguments": {"budget": "150s"}, "budget_s": 150},
    "full, with a budget": HEADLINE | FULL | {"arguments": {"budget": "30m"}, "budget_s": 1800},
}
SEEDS = range(4)
A, B = Cell("primes", "inline"), Cell("primes", "process-pool")


@pytest.mark.parametrize("name", RUNS)
def test_time_left_is_right_within_a_third_after_the_first_quarter(name: str) -> None:
    shares = [within_a_third(Timeline(**RUNS[name], seed=seed).sitting()) for seed in SEEDS]
    assert fmean(shares) > (0.65 if name == "quick" else 0.7)


def test_a_resumed_run_is_estimated_from_all_its_jobs() -> None:
    shares = []
    for seed, done in product(SEEDS, (3, 16, 30)):
        run = Timeline(**HEADLINE, arguments={"prove": True}, seed=seed)
        before = list(islice(run.sitting(), done))
        again = list(run.sitting())
        shares.append(within_a_third([*before, *again], begun=again[0]["at"] - 3.0))
    assert fmean(shares) > 0.65


def after(*lines: Line) -> Pace:
    pace = Pace()
    for line in lines:
        pace.update(line)
    return pace


def started(*rows: str, at: float) -> Line:
    return {"line": "workload-start", "workload": "primes", "rows": [*rows], "at": at}


def test_there_is_no_estimate_before_the_plan() -> None:
    assert Pace().left(3.0) is None
    assert after(plan([A, B])).left(3.0) == pytest.approx(2 * 18, abs=5)
    assert (after(plan([A], mode="full", arguments={"beyond": ["none"]})).left(3.0) or 0) > 90


def test_cells_that_are_unavailable_take_nothing() -> None:
    alone = after(plan([A])).left_at(0.0)
    assert after(plan([A, B], absent=[B._asdict()])).left_at(0.0) == alone
    assert after(plan([A, B]), unavailable(*B[:2], "no twin")).left_at(30.0) == pytest.approx(alone)


def test_a_workload_takes_what_others_took_for_each_row() -> None:
    cells = [Cell(workload, model) for workload in ("primes", "sleep") for model in "abc"]
    first = (plan(cells), started(*"abc", at=3.0))
    row_s = (after(*first).left_at(3.0) or 0.0) / 6
    assert after(*first).left_at(3.0 + row_s) == pytest.approx(5 * row_s), "so much has passed"
    late = after(*first).left_at(900.0) or 0.0
    assert 3 * row_s < late < 4 * row_s, "the rest of the first workload is short, but not nothing"
    done = [result("primes", model, 50, 55, at=33.0) for model in "abc"]
    assert after(*first, *done[:2]).left_at(33.0) == after(*first).left_at(33.0)
    assert after(*first, *done).left_at(33.0) == pytest.approx(3 * (10.0 + row_s) / 2)


def test_cells_that_are_measured_once_more_take_as_long_as_others() -> None:
    lacking = result(*A[:2], None, None, error="too busy", at=33.0)
    again = (plan([A, B]), started(A.row, B.row, at=3.0), result(*B[:2], 50, 55, at=33.0), lacking)
    assert after(*again).left_at(33.0) == 0
    row_s = after(plan([A])).left_at(0.0) or 0.0
    assert after(*again, started(A.row, at=33.0)).left_at(33.0) == pytest.approx((15 + row_s) / 2)


def test_no_round_begins_after_the_budget() -> None:
    arguments = {"budget": "30s", "beyond": ["spike=5s"]}
    run = (plan([A, B], arguments=arguments), started(A.row, B.row, at=3.0))
    assert after(*run).left(10.0) == 20
    assert after(*run).left(50.0) == 0
    assert (after(plan([A, B], arguments=arguments | {"budget": None})).left(10.0) or 0) > 60


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
    first = plan([A, B], arguments={"prove": True, "beyond": ["spike=5s"]})
    done = result(*A[:2], 50, 55, blamed="GIL")
    lacking = result(*B[:2], None, None, error="no answer")
    assert left() == []
    rounds, after_a = [Job(A, ROUNDS), Job(B, ROUNDS)], [Job(A, PROOF), Job(A, "spike")]
    after_b = [Job(B, PROOF), Job(B, "spike")]
    assert left(first) == [*rounds, *after_a, *after_b]
    assert left(first, done) == [rounds[1], *after_a, *after_b]
    assert left(first, done, unavailable(*B[:2], "no twin")) == after_a
    assert left(first, result(*A[:2], 50, 55), lacking) == [Job(A, "spike")], "no cause, no proof"
    assert left(first, done, lacking, {"line": "resumed"}) == left(first, done), "it is tried again"


def test_scripts_print_their_steps_and_the_time_left() -> None:
    messages: list[str] = []
    moments = iter((0.0, 60.0, 90.0))
    assert list(steps("abc", messages.append, lambda: next(moments))) == ["a", "b", "c"]
    assert messages == ["a (1 of 3)", "b (2 of 3, about 2 min left)", "c (3 of 3, about 45 s left)"]
