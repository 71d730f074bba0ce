"""If several Pythons are compared, every report of a run has a row for each."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.cell import Cell
from loadtests.report.colours import COLOURS
from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.json import as_json
from loadtests.report.survival.live import LiveScreen
from loadtests.report.survival.markdown import markdown, plain
from loadtests.report.survival.terminal import final, svg
from loadtests.report.verdicts import WorkloadVerdict, judge_workload, leaders
from loadtests.report.wording import interval_text
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line, cell_of, standing_of
from loadtests.slo import Slo
from tests.support.finished_report import printed
from tests.support.run_files import (
    ENVIRONMENT,
    FORKED,
    GIL_IS_ON,
    SEVERAL_FIRST,
    SEVERAL_RESULTS,
    TOO_OLD,
    measured,
    on,
    plan,
    result,
    runtime,
    standing,
    standings,
    write,
)

CELLS = [cell_of(line) for line in SEVERAL_RESULTS]


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    lines = [SEVERAL_FIRST, *standings(SEVERAL_RESULTS), *SEVERAL_RESULTS]
    return summarize(read(write(tmp_path / "run.jsonl", lines)))


def verdict_of(*lines: Line) -> WorkloadVerdict:
    known = standing_of(standing(lines))
    return judge_workload("w", map(measured, lines), known, Slo.parse("p99<250ms"))


def rows(text: str, begin: str) -> list[str]:
    return [line.split("  ")[0].strip() for line in text.splitlines() if line.startswith(begin)]


def test_cells_of_different_pythons_are_different_cells(tmp_path: Path) -> None:
    run = read(write(tmp_path / "run.jsonl", [SEVERAL_FIRST, *SEVERAL_RESULTS]))
    assert list(run.plan.cells) == list(run.results) == CELLS
    assert run.results[CELLS[1]].held == 120.0
    assert [cell.row for cell in CELLS[:2]] == ["thread-pool · 3.13", "thread-pool · 3.13t"]


def test_the_json_names_pythons_and_their_runtimes(summary: Summary) -> None:
    data = json.loads(json.dumps(as_json(summary)))
    assert [cell["python"] for cell in data["cells"]] == ["3.13", "3.13t"] * 2
    assert data["environment"]["servers"].keys() == {"3.13", "3.13t"}
    [verdict] = data["verdicts"]
    assert verdict["best"] == "thread-pool · 3.13t"
    assert verdict["variants"] == [
        "`primes`: thread-pool sustains 2.4 × (2.2–2.5) as much on 3.13t as on 3.13."
    ]
    assert verdict["sentence"].startswith(
        "`primes` → use thread-pool · 3.13t: 120–130 req/s, 2.4 × (2.2–2.5) thread-pool · 3.13."
    )
    assert leaders(summary.cells, summary.standings) == {CELLS[1]}


@pytest.mark.parametrize(
    ("capacities", "sentences"),
    [
        ({"3.13": (50, 55), "3.14": (52, 60)}, []),  # their intervals overlap
        ({"3.13": (50, 55)}, []),
        ({"3.13": (0, 4), "3.14": (0, 5)}, []),
        ({"3.13": (50, 55), "3.14": (75, 80), "3.13t": (150, 160)}, [
            "`w`: m sustains 2.0 × (1.9–2.1) as much on 3.13t as on 3.14, 3.0 × (2.8–3.1) as much "
            "as on 3.13."]),
        ({"3.13": (50, 55), "3.14": (52, 60), "3.13t": (20, 22)}, [
            "`w`: m sustains 2.7 × (2.4–2.9) as much on 3.14 as on 3.13t."]),
        ({"3.13": (0, 4), "3.14": (9, 10)}, ["`w`: m sustains load on 3.14, none on 3.13."]),
        ({"3.13": (0, 4), "3.14": (10, 11), "3.13t": (100, None)}, [
            "`w`: m sustains at least 9.0 × as much on 3.13t as on 3.14, none on 3.13."]),
    ],
)  # fmt: skip
def test_pythons_differ_only_if_their_intervals_do(
    capacities: dict[str, tuple[float, float | None]], sentences: list[str]
) -> None:
    lines = [on(python, result("w", "m", *rates)) for python, rates in capacities.items()]
    verdict = verdict_of(*lines)
    assert list(verdict.variants) == sentences


def test_what_servers_say_of_themselves_is_passed_on_once(summary: Summary) -> None:
    assert "`primes` under interpreter-pool · 3.13t is unfinished: no answer." in summary.warnings
    warnings = [warning for warning in summary.warnings if warning.startswith("The server")]
    assert warnings == [
        f"The server on 3.13 and on 3.13t: {FORKED}.",
        f"The server on 3.13t: {GIL_IS_ON}.",
    ]


def test_one_python_needs_no_label(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"server": runtime("3.14.0", warnings=(FORKED,))}
    line = result("primes", "inline", 1.0, 2.0, warnings=[FORKED])
    first = plan([("primes", "inline")], environment=environment)
    run = read(write(tmp_path / "run.jsonl", [first, line]))
    assert list(run.plan.cells) == list(run.results) == [Cell("primes", "inline")]
    assert as_json(summarize(run))["cells"][0]["python"] is None
    assert summarize(run).warnings == (f"The server: {FORKED}.",)


def test_each_python_has_its_row_in_every_matrix(summary: Summary) -> None:
    wide = printed(final(summary, verbose=True), 100)
    assert rows(wide, "thread-pool") == 2 * ["thread-pool · 3.13", "thread-pool · 3.13t"]
    assert f"interpreter-pool · 3.13: {TOO_OLD}" in wide
    table = markdown(summary)
    assert "CPython 3.13.0 and CPython 3.13.5 without GIL, uvloop 0.22.1" in table
    assert f"| thread-pool · 3.13t | **★ {interval_text(summary.cells[1])}**" in table
    assert f"interpreter-pool · 3.13: {plain(TOO_OLD)}<br>" in table
    assert COLOURS["thread-pool"].lower() in svg(summary)


def test_a_narrow_matrix_breaks_names_before_the_python(tmp_path: Path) -> None:
    workloads = ("sleep", "primes", "sha256", "scrape")
    lines = [on("3.13t", result(name, "thread-pool", 5.0, 6.0)) for name in workloads]
    summary = summarize(read(write(tmp_path / "run.jsonl", [plan([]), *lines])))
    text = printed(final(summary, verbose=True))
    assert rows(text, "thread-pool") == 2 * ["thread-pool"]
    assert rows(text, "·") == 2 * ["· 3.13t"]


def test_a_running_matrix_has_the_rows_too(summary: Summary) -> None:
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, width=100))
    start = {"line": "workload-start", "workload": "primes", "at": 1.0}
    begun = {**start, "rows": ["thread-pool · 3.13", "thread-pool · 3.13t"]}
    for line in (SEVERAL_FIRST, begun, SEVERAL_RESULTS[0]):
        screen.update(line)
    first = interval_text(summary.cells[0])
    assert f"[1/4] primes / thread-pool · 3.13: {first} req/s (unknown)" in out.getvalue()
    text = printed(screen.render(2.0), 100)
    assert first in next(row for row in text.splitlines() if "pool · 3.13 " in row)
    assert "measuring" in next(row for row in text.splitlines() if "pool · 3.13t" in row)
