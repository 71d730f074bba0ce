"""What the Survival tab shows is what the run file says, at every moment of a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.report.colours import COLOURS
from loadtests.run.file.lines import Line, trial_of
from loadtests.ui.survival.progress import RunProgress
from loadtests.ui.survival.view import bracket_of, bracket_text, view
from tests.support.run_files import (
    FULL,
    FULL_RESULTS,
    NO_TWIN,
    SEVERAL_FIRST,
    SEVERAL_RESULTS,
    plan,
    result,
    trial,
    unavailable,
    write,
)

CELL = {"workload": "primes", "model": "hybrid"}
START: Line = {"line": "cell-start", **CELL, "search": 0, "at": 240.0}
ESTIMATE = {"predicted": 180.0, "ceiling": 200.0, "binding": "cores"}
PREDICTED: Line = {"line": "prediction", **CELL, "at": 245.0, **ESTIMATE}
TWO = plan([("primes", "hybrid"), ("primes", "async")])
END: Line = {"line": "end", "at": 300.0, "exit": 0, "reason": None}


@pytest.fixture
def watch(tmp_path: Path) -> RunProgress:
    return RunProgress(tmp_path, lambda: 250.0)


def after(watch: RunProgress, *lines: Line) -> Any:
    """Show a run after these further lines of its file, as a browser gets it."""
    write(watch.folder / "run.jsonl", lines)
    watch.look()
    return shown(watch)


def shown(watch: RunProgress, chosen: int | None = None) -> Any:
    return json.loads(json.dumps(view(watch, chosen), allow_nan=False))


def states(screen: Any) -> list[str]:
    return [cell["state"] for cell in screen["cells"]]


def broke(rate: float, **changes: Any) -> Line:
    reasons = ["too much was lost"]
    return trial("primes", "hybrid", rate, held=False, broke_by="late", reasons=reasons, **changes)


def test_before_the_first_line_there_is_a_step_and_no_matrix(watch: RunProgress) -> None:
    screen = shown(watch)
    assert screen["cells"] == []
    assert "what to measure" in screen["step"]
    assert screen["progress"]["count"] == "starting"


@pytest.mark.parametrize("written", [True, False], ids=["in its last line", "without a line"])
def test_a_run_that_never_begins_has_its_reason(watch: RunProgress, written: bool) -> None:
    if written:
        after(watch, {"line": "end", "at": 1.0, "exit": 2, "reason": "no workload 'slep'"})
    else:
        watch.over(2, "no workload 'slep'")
    assert shown(watch)["cells"] == []
    assert watch.end
    assert (watch.end.exit, watch.end.reason) == (2, "no workload 'slep'")


def test_cells_wait_for_their_turn(watch: RunProgress) -> None:
    screen = after(watch, TWO)
    assert states(screen) == ["waiting", "waiting"]
    assert screen["workloads"] == ["primes"]
    assert screen["rows"] == [
        {"row": model, "model": model, "colour": COLOURS[model]} for model in ("hybrid", "async")
    ]
    assert screen["head"] == "Highest load that meets p99<250ms (requests per second)"
    assert "Intel Xeon" in screen["environment"]
    assert screen["shown"]["result"] == "waiting"


def test_the_cell_that_is_searched_shows_its_bracket_and_what_is_offered(
    watch: RunProgress,
) -> None:
    cell = after(watch, TWO, START)["cells"][0]
    assert (cell["state"], cell["figure"], cell["small"]) == ("searching", "…", "getting ready")
    screen = after(watch, PREDICTED)
    predicted = "predicted 180 req/s (estimated limit: 200, by cores)"
    assert screen["step"] == f"primes under hybrid: {predicted}"
    after(watch, trial("primes", "hybrid", 90.0))
    watch.offer(130.0)
    screen = shown(watch)
    assert screen["step"] == "primes under hybrid: offering 130/s (before: 90/s passed)"
    assert screen["cells"][0]["small"] == "offering 130/s"
    assert screen["shown"]["offered"] == 130.0
    screen = after(watch, broke(130.0))
    cell = screen["cells"][0]
    assert (cell["figure"], cell["small"]) == ("90 … 130", "130/s failed")
    assert screen["shown"]["offered"] is None


def test_trials_are_dots_that_passed_failed_or_were_void(watch: RunProgress) -> None:
    lines = [TWO, START, PREDICTED, trial("primes", "hybrid", 90.0), broke(130.0)]
    cell = after(watch, *lines, broke(110.0, valid=False))["shown"]
    assert [(dot["rate"], dot["outcome"]) for dot in cell["trials"]] == [
        (90.0, "passed"),
        (130.0, "failed"),
        (110.0, "void"),
    ]
    assert [dot["number"] for dot in cell["trials"]] == [1, 2, 3]
    assert cell["trials"][0]["p99"] == 210.0
    assert cell["trials"][0]["health"] == 11.0
    assert cell["trials"][1]["why"] == "too much was lost"
    assert (cell["predicted"], cell["ceiling"], cell["binding"]) == (180.0, 200.0, "cores")
    assert (cell["held"], cell["broke"], cell["bound"]) == (90.0, 130.0, 250.0)


def test_a_person_chooses_a_cell_or_follows_the_search(watch: RunProgress) -> None:
    screen = after(watch, TWO, START, trial("primes", "hybrid", 90.0))
    assert (screen["shown"]["index"], screen["shown"]["follows"]) == (0, True)
    assert screen["shown"]["title"] == "primes under hybrid"
    chosen = shown(watch, 1)["shown"]
    assert (chosen["index"], chosen["follows"], chosen["trials"]) == (1, False, [])
    assert shown(watch, 99)["shown"]["index"] == 0  # of a run before that had more cells


def test_finished_cells_have_interval_cause_star_and_footnote(watch: RunProgress) -> None:
    screen = after(watch, *FULL)
    cells = {(cell["workload"], cell["row"]): cell for cell in screen["cells"]}
    assert len(cells) == len(FULL_RESULTS)
    assert cells["sleep", "async"]["figure"] == "≥ 1310"
    assert cells["sleep", "async"]["best"]
    assert cells["sleep", "inline"]["small"] == "/health late"
    absent = cells["primes", "async"]
    assert (absent["state"], absent["figure"]) == ("absent", "—")
    assert screen["notes"][absent["note"] - 1] == NO_TWIN
    assert screen["progress"] == {"done": 20, "total": 20, "count": "20 of 20 cells", "time": ""}


def test_a_starved_bystander_is_flagged_beside_the_cause(watch: RunProgress) -> None:
    starved = result("primes", "hybrid", 60.0, 70.0, "bystander", cause="GIL")
    assert after(watch, TWO, starved)["cells"][0]["small"] == "GIL, /health late"


def test_a_cell_without_a_result_says_why(watch: RunProgress) -> None:
    flawed = result("primes", "hybrid", None, None, error="3 trials prove nothing")
    screen = after(watch, TWO, flawed, unavailable("primes", "async", NO_TWIN), END)
    assert states(screen) == ["failed", "absent"]
    assert screen["notes"] == ["3 trials prove nothing", NO_TWIN]
    assert shown(watch, 0)["shown"]["result"] == "3 trials prove nothing"


def test_what_comes_after_the_search_of_a_cell_is_named(watch: RunProgress) -> None:
    screen = after(watch, TWO, START, result("primes", "hybrid", 168.0, 179.0, "refused"))
    assert states(screen) == ["beyond", "waiting"]
    screen = after(
        watch, {"line": "beyond", **CELL, "at": 290.0, "kind": "spike", "reason": "none"}
    )
    assert screen["step"] == "primes under hybrid: beyond its capacity: spike is finished"
    assert states(after(watch, END)) == ["done", "waiting"]


def test_each_search_of_a_full_run_has_its_own_bracket(watch: RunProgress) -> None:
    first = plan([("primes", "hybrid")], searches=2)
    lines = [first, START, trial("primes", "hybrid", 90.0), broke(130.0)]
    after(watch, *lines, result("primes", "hybrid", 90.0, 130.0, "late", search=0))
    screen = after(watch, {**START, "search": 1}, trial("primes", "hybrid", 100.0, search=1))
    assert screen["cells"][0]["figure"] == "≥ 100 …"
    assert [dot["search"] for dot in screen["shown"]["trials"]] == [1, 1, 2]
    assert screen["progress"]["count"] == "1 of 2 searches"


def test_a_resumed_run_forgets_what_had_no_result(watch: RunProgress) -> None:
    flawed = result("primes", "hybrid", None, None, error="too busy")
    lines = [TWO, flawed, unavailable("primes", "async", NO_TWIN)]
    screen = after(watch, *lines, {"line": "resumed", "at": 40.0, "started": "2026"})
    assert screen["progress"]["done"] == 1
    assert screen["step"] == "resuming the run"


def test_several_pythons_have_rows_of_their_own(watch: RunProgress) -> None:
    screen = after(watch, SEVERAL_FIRST, *SEVERAL_RESULTS)
    assert [row["row"] for row in screen["rows"]] == [
        f"{model} · {python}"
        for model in ("thread-pool", "interpreter-pool")
        for python in ("3.13", "3.13t")
    ]
    assert states(screen) == ["done", "done", "absent", "failed"]


def test_a_bracket_is_between_what_held_and_what_mostly_broke() -> None:
    def tried(*trials: tuple[float, bool]) -> str:
        lines = [trial("primes", "hybrid", rate, held=held) for rate, held in trials]
        return bracket_text(*bracket_of(map(trial_of, lines)))

    assert tried() == "…"
    assert tried((50, True)) == "≥ 50 …"
    assert tried((50, False)) == "… < 50"
    assert tried((50, True), (80, False), (60, True), (60, False)) == "60 … 80"
    assert tried((50, True), (40, False)) == "… < 40"  # a rate above what broke counts no more
