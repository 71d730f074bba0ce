"""What the Survival tab shows is what the run file says, at every moment of a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.cell import Cell
from loadtests.report.colours import COLOURS
from loadtests.run.file.lines import Line
from loadtests.ui.survival.progress import RunProgress
from loadtests.ui.survival.view import view
from tests.support.run_files import (
    FULL,
    FULL_RESULTS,
    NO_TWIN,
    SEVERAL_FIRST,
    SEVERAL_RESULTS,
    plan,
    result,
    standing,
    trial,
    unavailable,
    write,
)

CELL = {"workload": "primes", "model": "hybrid"}
HYBRID, POOL = Cell("primes", "hybrid"), Cell("primes", "process-pool")
ROWS = ["hybrid", "process-pool"]
START: Line = {"line": "workload-start", "workload": "primes", "rows": ROWS, "at": 240.0}
ESTIMATE = {"predicted": 180.0, "ceiling": 200.0, "binding": "cores"}
PREDICTED: Line = {"line": "prediction", **CELL, "at": 245.0, **ESTIMATE}
PLAN = plan([("primes", "hybrid"), ("primes", "process-pool"), ("primes", "async")])
RESULTS = [
    result("primes", "hybrid", 168.0, 179.0, "refused"),
    result("primes", "process-pool", 100.0, 110.0, "late"),
    unavailable("primes", "async", NO_TWIN),
]
STANDING = standing(RESULTS[:2], rounds=3)
DONE = [standing(RESULTS), *RESULTS]
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


def failed(rate: float, **changes: Any) -> Line:
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
    screen = after(watch, PLAN)
    assert states(screen) == 3 * ["waiting"]
    assert screen["workloads"] == ["primes"]
    models = ("hybrid", "process-pool", "async")
    assert screen["rows"] == [
        {"row": model, "model": model, "colour": COLOURS[model]} for model in models
    ]
    assert screen["head"] == "Highest load that meets p99<250ms (requests per second)"
    assert "Intel Xeon" in screen["environment"]
    assert screen["shown"]["result"] == "waiting"
    assert "None" not in screen["progress"]["time"]


def test_the_rows_of_a_workload_are_measured_together(watch: RunProgress) -> None:
    screen = after(watch, PLAN, START)
    assert states(screen) == ["measuring", "measuring", "waiting"]
    assert screen["cells"][0]["small"] == "getting ready"
    assert screen["step"] == "primes: starting its servers and measuring the cost of one request"
    screen = after(watch, PREDICTED)
    predicted = "predicted 180 req/s (estimated limit: 200, by cores)"
    assert screen["step"] == f"primes under hybrid: {predicted}"
    assert [cell["small"] for cell in screen["cells"]] == ["predicted", "getting ready", ""]
    unsure = {"line": "prediction", **POOL._asdict(), "predicted": None, "at": 246.0}
    assert "no prediction is possible" in after(watch, unsure)["step"]


def test_the_row_that_is_offered_a_trial_is_marked(watch: RunProgress) -> None:
    after(watch, PLAN, START, trial("primes", "hybrid", 90.0, round=1))
    watch.offer(POOL, 130.0)
    screen = shown(watch)
    assert screen["step"] == "primes under process-pool: offering 130/s"
    assert [cell["offered"] for cell in screen["cells"]] == [False, True, False]
    assert [cell["small"] for cell in screen["cells"]] == ["90/s passed", "offering 130/s", ""]
    assert (screen["shown"]["index"], screen["shown"]["offered"]) == (0, None), "it stays the same"
    assert shown(watch, 1)["shown"]["offered"] == 130.0
    screen = after(watch, trial("primes", "process-pool", 130.0, held=False, round=1))
    assert screen["step"] == "primes under process-pool: 130/s failed"
    assert not any(cell["offered"] for cell in screen["cells"])
    assert screen["cells"][1]["small"] == "130/s failed"


def test_intervals_and_stars_are_provisional_while_rounds_go_on(watch: RunProgress) -> None:
    screen = after(watch, PLAN, START, PREDICTED, trial("primes", "hybrid", 90.0, round=2))
    assert [cell["figure"] for cell in screen["cells"]] == ["…", "…", "·"]
    lone = {**STANDING, "rows": {"hybrid": [173.0, 168.0, 179.0]}, "ties": ["hybrid"], "ratios": []}
    screen = after(watch, lone)
    assert [cell["figure"] for cell in screen["cells"]] == ["168–179", "…", "·"]
    assert not screen["cells"][0]["best"], "there is nothing to compare it with"
    screen = after(watch, STANDING)
    assert screen["step"] == "primes: 3 rounds finished"
    assert states(screen) == ["measuring", "measuring", "waiting"]
    assert [cell["figure"] for cell in screen["cells"]] == ["168–179", "100–110", "·"]
    assert [cell["best"] for cell in screen["cells"]] == [True, False, False]
    cell = shown(watch, 0)["shown"]
    assert cell["result"] == "168–179 req/s so far, being measured"
    assert (cell["low"], cell["high"]) == (168.0, 179.0)
    assert cell["value"] == pytest.approx(173.4, abs=0.1)
    tied = after(watch, {**STANDING, "ties": ROWS, "rounds": 4})["cells"]
    assert [cell["best"] for cell in tied] == [True, True, False]


@pytest.mark.parametrize(
    ("known", "figure", "band"),
    [
        ([150.0, 0.0, None], "≈ 150", (150.0, None, None)),
        ([1310.0, 1310.0, None], "≥ 1310", (1310.0, 1310.0, None)),
        ([150.0, 150.01, 150.02], "150", (150.0, 150.01, 150.02)),
    ],
)
def test_an_interval_may_lack_an_end(
    watch: RunProgress, known: list[float], figure: str, band: tuple[float | None, ...]
) -> None:
    screen = after(watch, PLAN, START, {**STANDING, "rows": {"hybrid": known}, "ratios": []})
    assert screen["cells"][0]["figure"] == figure
    cell = screen["shown"]
    assert (cell["value"], cell["low"], cell["high"]) == band


def test_trials_are_dots_that_passed_failed_or_were_void(watch: RunProgress) -> None:
    lines = [PLAN, START, PREDICTED, trial("primes", "hybrid", 90.0, round=1)]
    again = trial("primes", "hybrid", 95.0, round=1, again=True)
    other = trial("primes", "process-pool", 95.0, round=1)
    more = (again, other, failed(130.0, round=2), failed(110.0, valid=False, round=3))
    cell = after(watch, *lines, *more)["shown"]
    assert [
        (dot["number"], dot["round"], dot["rate"], dot["outcome"]) for dot in cell["trials"]
    ] == [
        (1, 1, 90.0, "passed"),
        (2, 2, 130.0, "failed"),
        (3, 3, 110.0, "void"),
    ]
    assert cell["trials"][0]["p99"] == 210.0
    assert cell["trials"][0]["health"] == 11.0
    assert cell["trials"][1]["why"] == "too much was lost"
    assert (cell["predicted"], cell["ceiling"], cell["binding"]) == (180.0, 200.0, "cores")
    assert (cell["value"], cell["low"], cell["high"], cell["bound"]) == (None, None, None, 250.0)


def test_a_person_chooses_a_cell_or_follows_the_run(watch: RunProgress) -> None:
    screen = after(watch, PLAN, START, trial("primes", "hybrid", 90.0))
    assert (screen["shown"]["index"], screen["shown"]["follows"]) == (0, True)
    assert screen["shown"]["title"] == "primes under hybrid"
    chosen = shown(watch, 1)["shown"]
    assert (chosen["index"], chosen["follows"], chosen["trials"]) == (1, False, [])
    assert shown(watch, 99)["shown"]["index"] == 0  # of a run before that had more cells
    faster = result("primes", "process-pool", 190.0, 200.0)
    best = after(watch, standing([RESULTS[0], faster], rounds=3))["shown"]
    assert (best["index"], best["follows"]) == (1, True), "the best so far"
    last = trial("primes", "hybrid", 90.0, round=4)
    assert after(watch, last, *DONE)["shown"]["index"] == 0, "the cell measured last"


def test_finished_cells_have_interval_cause_star_and_footnote(watch: RunProgress) -> None:
    screen = after(watch, *FULL)
    cells = {(cell["workload"], cell["row"]): cell for cell in screen["cells"]}
    assert len(cells) == len(FULL_RESULTS)
    assert (cells["sleep", "async"]["state"], cells["sleep", "async"]["figure"]) == (
        "limit",
        "≥ 1310",
    )
    assert cells["sleep", "async"]["best"]
    assert cells["primes", "process-pool"]["best"]
    assert cells["primes", "hybrid"]["best"], "they tie"
    assert not cells["primes", "inline"]["best"]
    assert cells["sleep", "inline"]["small"] == "unknown, /health late"
    absent = cells["primes", "async"]
    assert (absent["state"], absent["figure"]) == ("unavailable", "—")
    assert screen["notes"][absent["note"] - 1] == NO_TWIN
    assert screen["progress"] == {"done": 20, "total": 20, "count": "20 of 20 cells", "time": ""}
    index = next(at for at, line in enumerate(FULL_RESULTS) if line["workload"] == "scrape")
    none = shown(watch, index)["shown"]
    assert (none["value"], none["low"], none["high"]) == (None, None, 4.0), "it sustains no load"


def test_a_workload_has_its_verdict_when_all_of_its_cells_are_measured(watch: RunProgress) -> None:
    after(watch, PLAN, START, standing(RESULTS), *RESULTS[:2])
    assert (watch.verdicts, shown(watch, 1)["shown"]["going"]) == ([], False)
    assert shown(watch, 2)["shown"]["going"] is False, "it was not begun"
    after(watch, RESULTS[2])
    assert [verdict.split()[0] for verdict in watch.verdicts] == ["`primes`"]
    after(watch, {**START, "rows": ["hybrid"], "at": 280.0}, standing(RESULTS))
    assert shown(watch, 0)["shown"]["going"]


def test_a_starved_bystander_is_flagged_beside_the_cause(watch: RunProgress) -> None:
    starved = result("primes", "hybrid", 60.0, 70.0, "bystander", blamed="GIL")
    assert after(watch, PLAN, starved)["cells"][0]["small"] == "GIL, /health late"


def test_a_cell_without_a_result_says_why(watch: RunProgress) -> None:
    why = "3 trials were not valid"
    unfinished = result("primes", "hybrid", None, None, error=why, predicted=195.0)
    others = standing(RESULTS[1:])
    screen = after(watch, PLAN, START, others, unfinished, *RESULTS[1:], END)
    assert states(screen) == ["unfinished", "measured", "unavailable"]
    assert screen["notes"] == [why, NO_TWIN]
    assert not screen["cells"][0]["best"]
    assert shown(watch, 0)["shown"]["result"] == why


def test_an_unfinished_cell_is_measured_once_more(watch: RunProgress) -> None:
    lacking = result("primes", "hybrid", None, None, error="too busy")
    after(watch, PLAN, START, lacking, *RESULTS[1:])
    screen = after(watch, {**START, "rows": ["hybrid"], "at": 280.0})
    assert states(screen) == ["measuring", "measured", "unavailable"]
    assert shown(watch, 0)["shown"]["result"] == "being measured"
    assert states(after(watch, *DONE)) == ["measured", "measured", "unavailable"]


def test_what_follows_the_rounds_is_named(watch: RunProgress) -> None:
    first = {**PLAN, "arguments": {"beyond": ["spike"]}}
    screen = after(watch, first, START, *DONE[:2])
    assert states(screen) == ["measured", "measuring", "waiting"], "rounds of others come first"
    screen = after(watch, *DONE[2:])
    assert states(screen) == ["beyond", "measured", "unavailable"]
    assert screen["shown"]["index"] == 0
    screen = after(
        watch, {"line": "beyond", **CELL, "at": 290.0, "kind": "spike", "reason": "none"}
    )
    assert screen["step"] == "primes under hybrid: beyond its capacity: spike is finished"
    assert states(screen) == ["measured", "beyond", "unavailable"]
    assert states(after(watch, END)) == ["measured", "measured", "unavailable"]


def test_a_proof_shows_what_it_offers(watch: RunProgress) -> None:
    first = {**PLAN, "arguments": {"prove": True}}
    blamed = {**RESULTS[0], "blamed": "cores"}
    after(watch, first, START, standing(RESULTS), blamed, *RESULTS[1:])
    watch.offer(HYBRID, 200.0)
    screen = shown(watch)
    assert (screen["cells"][0]["state"], screen["cells"][0]["offered"]) == ("beyond", True)
    assert screen["step"] == "primes under hybrid: offering 200/s"
    screen = after(watch, {**trial("primes", "hybrid", 200.0), "line": "proof-trial"})
    assert screen["step"] == "primes under hybrid: verifying its cause: 200/s passed"
    assert screen["shown"]["trials"] == [], "it is a trial of another service"


def test_a_resumed_run_forgets_what_had_no_result(watch: RunProgress) -> None:
    flawed = result("primes", "hybrid", None, None, error="too busy")
    screen = after(watch, PLAN, flawed, *RESULTS[1:])
    assert screen["progress"]["count"] == "3 of 3 cells"
    screen = after(watch, END, {"line": "resumed", "at": 40.0, "started": "2026"})
    assert screen["progress"]["done"] == 2
    assert screen["step"] == "resuming the run"


def test_a_run_that_was_stopped_measures_nothing_more(watch: RunProgress) -> None:
    after(watch, PLAN, START, STANDING)
    watch.offer(HYBRID, 90.0)
    watch.over(3, "the run was stopped")
    assert states(shown(watch)) == 3 * ["waiting"]
    assert not any(cell["offered"] for cell in shown(watch)["cells"])


def test_several_pythons_have_rows_of_their_own(watch: RunProgress) -> None:
    screen = after(watch, SEVERAL_FIRST, *SEVERAL_RESULTS)
    assert [row["row"] for row in screen["rows"]] == [
        f"{model} · {python}"
        for model in ("thread-pool", "interpreter-pool")
        for python in ("3.13", "3.13t")
    ]
    assert states(screen) == ["measured", "measured", "unavailable", "unfinished"]
    rows = ["thread-pool · 3.13t"]
    again = after(watch, {**START, "workload": "primes", "rows": rows, "at": 50.0})
    assert states(again) == ["measured", "measuring", "unavailable", "unfinished"]
