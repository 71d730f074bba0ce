"""What is left of a run follows from its lines: all cells first, then what depends on them."""

from __future__ import annotations

from typing import Any

from loadtests.cell import Cell
from loadtests.run.survival.agenda import AUTOPSY, PROOF, ROUNDS, Agenda, Job
from tests.support.run_files import plan, result, standing, unavailable

CELLS = [("sleep", "inline"), ("sleep", "async"), ("primes", "inline"), ("primes", "async")]
SLEEP, ASLEEP, PRIMES, ABSENT = (Cell(*cell) for cell in CELLS)
MORE = {"prove": True, "beyond": ["spike=5s"]}
PLAN = plan(CELLS, arguments=MORE, absent=[ABSENT._asdict()])


def agenda(*lines: dict[str, Any]) -> Agenda:
    made = Agenda()
    for line in (PLAN, *lines):
        made.update(line)
    return made


def ended(line: str, cell: Cell, **changes: Any) -> dict[str, Any]:
    return {"line": line, **cell._asdict(), "at": 40.0, **changes}


def test_all_workloads_are_measured_before_anything_else() -> None:
    run = agenda()
    assert run.unmeasured == {"sleep": [SLEEP, ASLEEP], "primes": [PRIMES, ABSENT]}
    kinds = [job.kind for job in run.left]
    assert kinds == [*[ROUNDS] * 4, *[PROOF, "spike"] * 3], "what is absent has nothing beyond"
    done = agenda(result("sleep", "inline", 50, 55, blamed="pool"))
    assert done.unmeasured == {"sleep": [ASLEEP], "primes": [PRIMES, ABSENT]}
    assert done.left[:2] == [Job(ASLEEP, ROUNDS), Job(PRIMES, ROUNDS)]
    assert done.measured == [SLEEP]


def test_what_follows_depends_on_the_result() -> None:
    run = agenda(
        result("sleep", "inline", 50, 55, blamed="pool"),
        result("sleep", "async", 900, None),
        result("primes", "inline", None, None, error="no valid trial"),
        unavailable("primes", "async", "it has no async version"),
    )
    assert not run.unmeasured
    assert run.unfinished == {"primes": [PRIMES]}
    assert run.left == [Job(SLEEP, PROOF), Job(SLEEP, "spike"), Job(ASLEEP, "spike")]
    assert run.measured == [SLEEP, ASLEEP]
    assert (run.result(PRIMES), run.result(ABSENT)) == (None, None)
    assert run.update(ended("proof", SLEEP)) == Job(SLEEP, PROOF)
    assert run.update(ended("beyond", SLEEP, kind="spike")) == Job(SLEEP, "spike")
    assert run.left == [Job(ASLEEP, "spike")]
    again = run.update(result("primes", "inline", 60, 70, blamed="GIL"))
    assert again == Job(PRIMES, ROUNDS)
    assert not run.unfinished
    assert run.left == [Job(ASLEEP, "spike"), Job(PRIMES, PROOF), Job(PRIMES, "spike")]


def test_an_interval_without_a_result_counts_for_nothing() -> None:
    run = agenda(result("sleep", "inline", 50, 55, state="unfinished", error="too few rounds"))
    assert run.result(SLEEP) is None
    assert run.unfinished == {"sleep": [SLEEP]}


def test_a_resumed_run_measures_what_is_unfinished_and_may_do_more() -> None:
    spent = "not measured: the budget of 60 s was spent"
    run = agenda(
        result("sleep", "inline", 50, 55),
        *(result(*cell, None, None, error=spent) for cell in CELLS[1:3]),
        unavailable(*CELLS[3], "it has no async version"),
    )
    assert not run.unmeasured
    assert run.left == [Job(SLEEP, "spike")], "without a cause there is nothing to prove"
    run.update({"line": "resumed", "arguments": MORE | {"beyond": ["spike=5s", "soak=60s"]}})
    assert run.unmeasured == {"sleep": [ASLEEP], "primes": [PRIMES]}
    assert not run.unfinished
    kinds = {job.kind for job in run.left if job.cell == SLEEP}
    assert kinds == {"spike", "soak"}


def examined(chosen: str | None, models: str = "inline async thread-pool process-pool") -> Agenda:
    cells = [("primes", model) for model in models.split()]
    run = Agenda()
    run.update(plan(cells, arguments={"autopsy": chosen}))
    return run


def test_the_cells_that_an_answer_names_have_an_autopsy() -> None:
    run = examined(None)
    assert [job.kind for job in run.left].count(AUTOPSY) == 3, "so many, as far as is known"
    lines = [
        result("primes", "inline", 50, 55, blamed="loop blocked"),
        result("primes", "async", 51, 56, blamed="loop blocked"),
        result("primes", "thread-pool", 60, 66, blamed="GIL"),
        result("primes", "process-pool", 120, 130, blamed="cores"),
    ]
    for line in (*lines, standing(lines)):
        run.update(line)
    named = [Job(Cell("primes", model), AUTOPSY) for model in ("inline", "thread-pool")]
    assert run.left == [*named, Job(Cell("primes", "process-pool"), AUTOPSY)]
    assert run.update(ended("autopsy", named[0].cell, guilty={"reason": "no"})) == named[0]
    assert run.left[0] == named[1]


def test_only_cells_that_failed_for_a_cause_have_one() -> None:
    lines = [
        result("primes", "inline", 50, None),
        result("primes", "async", None, None, error="no valid trial"),
        result("primes", "thread-pool", 60, 66, blamed="GIL"),
    ]
    for chosen, count in (("all", 1), ("none", 0)):
        run = examined(chosen, "inline async thread-pool")
        for line in lines:
            run.update(line)
        assert [job.kind for job in run.left] == [AUTOPSY] * count
