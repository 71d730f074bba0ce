"""More rows than services at once are measured in parts, and compared through a common row."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.cell import Cell
from loadtests.commands.parser import options_of, parser
from loadtests.run.file.fold import read
from loadtests.service.options import ServerOptions
from tests.support.cli import run
from tests.support.server_process import ROOT

if TYPE_CHECKING:
    from loadtests.run.file.cells import CellResult, Standing
    from loadtests.run.file.lines import Run

LOCUSTFILE = ROOT / "tests" / "support" / "in_parts.py"
HEADLESS = ("--headless", "--users", "1", "--spawn-rate", "1", "--skip-log-setup")
# Three parts: the first and the fourth, the second and the fifth, and the third by itself.
MODELS = ("inline", "process-pool", "supervised-process-pool", "thread-pool", "async")
FIRST, COMMON, LAST, FAILING, ABSENT = MODELS
WHY = "no threads today"
LOAD = "40"
MODULE = f'''
import sys, time
from server.workloads import workload

if "{FAILING}" in sys.argv:
    raise RuntimeError("{WHY}")

@workload(kind="io")
def nap(ms: int = 20) -> int:
    """Sleep for `ms`."""
    time.sleep(ms / 1000)
    return ms
'''

pytestmark = [pytest.mark.measures, pytest.mark.usefixtures("database")]


@dataclass(frozen=True, slots=True)
class InParts:
    lines: list[dict[str, Any]]
    run: Run

    @property
    def standing(self) -> Standing:
        return self.run.standings["nap"]

    def result(self, model: str) -> CellResult:
        return self.run.results[Cell("nap", model)]

    def rounds(self, model: str, *, again: bool = False) -> set[int]:
        """Return the rounds that a row took part in."""
        trials = [line for line in self.run.trials if line.model == model and not line.load]
        return {trial.round for trial in trials if trial.again == again}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> InParts:
    folder = tmp_path_factory.mktemp("in-parts")
    (folder / "mine.py").write_text(MODULE)
    cells = ("--workloads", str(folder / "mine.py"), "--models", ",".join(MODELS))
    words = (*cells, "--a-a", "--load", LOAD, "--autopsy", "none")
    parsed = parser().parse_args(
        ["survive", *words, "--param", "nap.ms=10", "--processes", "2", "--slo", "p95<250ms"]
    )
    options = options_of(parsed, servers=ServerOptions.from_arguments(parsed))
    request = replace(options, output=str(folder / "run")).dump()
    launch = ("loadtests.ui.launch", "-f", str(LOCUSTFILE), *HEADLESS, "--options", request)
    ended = run(*launch, directory=folder)
    assert ended.code == 0, ended.err
    lines = [json.loads(line) for line in (folder / "run" / "run.jsonl").read_text().splitlines()]
    return InParts(lines, read(folder / "run"))


def test_a_cell_that_does_not_start_costs_the_others_nothing(measured: InParts) -> None:
    assert [measured.result(model).state for model in MODELS] == [
        *["measured"] * 3, "unfinished", "unavailable",
    ]  # fmt: skip
    failed = measured.result(FAILING)
    assert WHY in str(failed.error)
    assert (failed.trials, failed.capacity) == (0, None)
    assert "async version" in str(measured.result(ABSENT).unavailable)


def test_it_is_tried_once_more_after_all_others(measured: InParts) -> None:
    lines = [line for line in measured.lines if line["line"] in {"workload-start", "cell"}]
    assert [line["model"] for line in lines if line["line"] == "cell"] == [
        *(FAILING, FIRST, ABSENT, COMMON, LAST, FAILING),
    ]
    assert [line["rows"] for line in lines if line["line"] == "workload-start"] == [
        *([*MODELS], [FAILING]),
    ]
    assert [line["line"] for line in lines[-2:]] == ["workload-start", "cell"]


def test_the_best_row_so_far_takes_part_in_the_next_part(measured: InParts) -> None:
    first, common, last = (measured.rounds(model) for model in (FIRST, COMMON, LAST))
    assert not first & last
    assert len(common & first) >= 3
    assert len(common & last) >= 3
    assert max(first) < min(last)
    played = {trial.round for trial in measured.run.trials if not trial.load}
    count = max(played)
    assert played == {*range(1, count + 1)}
    assert measured.standing.rounds == count


def test_rows_that_never_met_are_compared_through_it(measured: InParts) -> None:
    known = measured.standing
    assert {*known.rows} == {FIRST, COMMON, LAST}
    assert len(known.ratios) == 3
    direct, through = known.ratio(COMMON, FIRST), known.ratio(LAST, FIRST)
    assert direct
    assert through
    assert 1.2 < direct.value < 3.5, "two processes against one loop"
    assert 0 < through.low < through.value < through.high < math.inf
    assert FIRST not in known.ties


def test_each_row_has_one_trial_at_the_load_of_the_user(measured: InParts) -> None:
    trials = [line for line in measured.lines if line["line"] == "trial" and line["load"]]
    assert [trial["model"] for trial in trials] == [FIRST, COMMON, LAST]
    assert {trial["rate"] for trial in trials} == {float(LOAD)}
    assert not any(trial["sample"] for trial in trials), "it counts for no estimate"


def test_a_row_is_measured_twice_where_there_is_room(measured: InParts) -> None:
    again = measured.standing.again
    assert again
    assert again[:2] == (FIRST, f"{FIRST} (again)")
    assert again.ratio.low < again.ratio.value < again.ratio.high
    assert 0.5 < again.ratio.value < 2
    assert measured.rounds(FIRST, again=True)
    assert not measured.rounds(COMMON, again=True), "both places were taken"


def test_each_trial_counts_once(measured: InParts) -> None:
    for model in (FIRST, COMMON, LAST):
        result = measured.result(model)
        trials = [
            trial
            for trial in measured.run.trials
            if trial.model == model and trial.at <= result.at
            if not (trial.again or trial.load)
        ]
        assert (result.trials, result.discarded) == (len(trials), 0)
        assert result.rounds == len({trial.round for trial in trials})
