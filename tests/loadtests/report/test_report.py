"""A report is complete, fits its terminal, and needs neither colour nor network."""

import io
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadtests.paths import ROOT
from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.answers import brief
from loadtests.report.survival.live import LiveScreen
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.terminal import final, svg
from loadtests.report.wording import interval_text
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line
from tests.support.finished_report import printed
from tests.support.run_files import (
    FULL,
    FULL_RESULTS,
    NO_TWIN,
    plan,
    result,
    trial,
    unavailable,
    write,
)

ROWS = ["inline", "async", "thread-pool", "process-pool", "hybrid"]
START: Line = {"line": "workload-start", "workload": "primes", "rows": ROWS, "at": 240.0}


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    return summarize(read(write(tmp_path / "run.jsonl", FULL)))


def screen_after(*lines: Line) -> LiveScreen:
    screen = LiveScreen(Console(file=io.StringIO(), force_terminal=True))
    for line in lines:
        screen.update(line)
    return screen


def intervals(summary: Summary, model: str) -> list[str]:
    return [interval_text(cell) for cell in summary.cells if cell.model == model]


def row(text: str, model: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(model))


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_end_of_a_run_is_a_line_for_each_row_and_the_answers_last(
    summary: Summary, width: int
) -> None:
    text = printed(final(summary, Path("results/here")), width)
    assert max(map(cell_len, text.splitlines())) <= width
    figures = intervals(summary, "process-pool")
    assert row(text, "process-pool").split() == (["process-pool", *figures[:1], "★", *figures[1:]])
    picks = [verdict for verdict in summary.verdicts if verdict.pick]
    assert text.count("★") == len(picks) + 1  # the legend
    assert text.count("= ") == sum(len(verdict.ties) - 1 for verdict in picks) + 1
    assert "p99<250ms" in text
    last = text[text.index("Trust: ") :]
    assert all(f"{verdict.workload} " in last for verdict in picks)
    more = printed(final(summary, verbose=True), width)
    assert max(map(cell_len, more.splitlines())) <= width
    assert "unknown" in more
    assert "/health late" not in more, "a sign is not a cause"
    assert "Costs: " in more
    assert "Costs: " not in text


def test_the_headline_run_ends_on_one_screen_with_two_lines_for_each_answer() -> None:
    summary = summarize(read(ROOT / "loadtests/published/runs/headline"))
    text = printed(final(summary, Path("results/latest")), 80)
    assert len(text.splitlines()) < 23, "the path of the report and the prompt fit too"
    for verdict in summary.verdicts:
        lines = textwrap.wrap(brief(verdict, 72), 72)
        assert len(lines) <= 2
        assert verdict.pick
        assert lines[0].startswith(f"use {verdict.pick}: ")
        assert "beats" in lines[-1] or "Ties" in lines[-1], "how sure it is"
        assert brief(verdict, 1000).count(". ") == sum(
            map(bool, (verdict.why, verdict.sure, verdict.next))
        )


def test_absent_cells_have_their_reason_once_below(summary: Summary) -> None:
    for text in (printed(final(summary)), printed(final(summary, verbose=True))):
        assert row(text, "async ").count("— ¹") == 3
        assert text.count(NO_TWIN) == 1
        assert f"¹ {NO_TWIN}" in text


def test_a_row_without_any_cell_is_a_line_below(tmp_path: Path) -> None:
    lines = [result("sleep", "inline", 50, 55), unavailable("sleep", "dask", "not installed")]
    path = write(tmp_path / "run.jsonl", [plan([("sleep", "inline"), ("sleep", "dask")]), *lines])
    summary = summarize(read(path))
    for text in (printed(final(summary)), markdown(summary)):
        assert text.count("dask") == 1
        assert "dask: not installed" in text


def test_what_is_unfinished_has_its_estimate_and_the_command_that_finishes_it(
    tmp_path: Path,
) -> None:
    lines = [
        result("sleep", "inline", 50, 55),
        result("sleep", "async", None, None, error="no answer", predicted=195.0),
    ]
    path = write(tmp_path / "run.jsonl", [plan([("sleep", "inline"), ("sleep", "async")]), *lines])
    text = printed(final(summarize(read(path)), tmp_path), 200)
    assert row(text, "async").split() == ["async", "?", "≈", "195"]
    assert "? unfinished (≈ estimate)" in text
    assert f"scripts/survive --retry {tmp_path}" in text


def test_many_workloads_are_stacked_and_long_names_broken() -> None:
    model = "supervised-process-pool"
    cells = [(f"work-{number}", model) for number in range(9)]
    text = printed(screen_after(plan(cells)).render(0.0))
    assert max(map(cell_len, text.splitlines())) <= 80
    assert all(f"work-{number}" in text for number in range(9))
    assert text.count("supervised-") == 3


def test_a_screen_shows_what_is_pending_running_and_done(summary: Summary) -> None:
    lines = [FULL[0], *FULL[1:2], *FULL_RESULTS[:5], START]
    text = printed(screen_after(*lines).render(250.0))
    assert row(text, "hybrid").split()[-4:] == ["measuring", "…", "·", "·"]
    assert "5 of 20 cells" in text
    assert row(text, "async ").split()[:3] == ["async", "★", "≥"]
    broke = trial("primes", "hybrid", 120.0, held=False, broke_by="late")
    assert "120/s failed" in printed(screen_after(*lines, broke).render(250.0))
    invalid = trial("primes", "hybrid", 120.0, held=False, valid=False)
    assert "120/s void" in printed(screen_after(*lines, invalid).render(250.0))
    again = trial("primes", "hybrid", 120.0, again=True)
    assert "120/s" not in printed(screen_after(*lines, again).render(250.0))
    done = printed(screen_after(*lines, *FULL_RESULTS[5:10]).render(250.0))
    assert "measuring" not in done


def test_a_screen_shows_how_rows_stand_while_their_rounds_go_on() -> None:
    lines = [FULL[0], START, trial("primes", "hybrid", 170.0)]
    few = {"line": "standing", "workload": "primes", "at": 260.0, "rounds": 3, "ties": ["hybrid"]}
    text = printed(screen_after(*lines, {**few, "rows": {"hybrid": [170, 150, 190]}}).render(260.0))
    assert row(text, "hybrid").split()[:4] == ["hybrid", "·", "150–190", "·"]
    assert "170/s passed" in text
    assert "★" not in text, "it competes with none yet"
    known = {"hybrid": [170, 150, 190], "process-pool": [166, 148, 188], "inline": [60, 50, 70]}
    ties = ["hybrid", "process-pool"]
    text = printed(screen_after(*lines, {**few, "rows": known, "ties": ties}).render(260.0))
    assert row(text, "hybrid").split()[:4] == ["hybrid", "·", "★", "150–190"]
    assert row(text, "inline").split()[:3] == ["inline", "·", "50–70"]
    assert row(text, "thread-pool").split()[2] == "measuring"


def test_a_cell_that_is_tried_again_is_measured_again() -> None:
    failed = result("primes", "hybrid", None, None, error="no answer", predicted=195.0)
    lines = [FULL[0], START, failed]
    text = printed(screen_after(*lines).render(250.0))
    assert "unfinished" in row(text, "hybrid")
    assert "≈ 195?" in text
    text = printed(screen_after(*lines, {**START, "rows": ["hybrid"]}).render(250.0))
    assert "measuring" in row(text, "hybrid")
    assert "1 of 20 cells" in text
    resumed: Line = {"line": "resumed", "at": 250.0}
    text = printed(screen_after(*lines, resumed).render(1.0))
    assert "0 of 20 cells" in text
    assert "unfinished" not in text


def test_a_screen_says_how_much_is_left_from_its_first_line_to_its_last() -> None:
    assert "starting" in printed(screen_after().render(1.0))
    assert "0 of 20 cells, about" in printed(screen_after(FULL[0]).render(12.0))
    assert "20 of 20 cells, done" in printed(screen_after(*FULL).render(620.0))


def test_a_resumed_screen_starts_over_with_the_workload_that_was_cut_off() -> None:
    predicted = {"line": "prediction", "workload": "primes", "model": "hybrid", "at": 241.0}
    figures = {"predicted": 60.0, "ceiling": 80.0, "binding": "cores"}
    lines = [FULL[0], *FULL_RESULTS[:5], START, {**predicted, **figures}]
    assert "≈ 60?" in printed(screen_after(*lines).render(250.0))
    resumed: Line = {"line": "resumed", "at": 250.0}
    text = printed(screen_after(*lines, resumed).render(1.0))
    assert "≈ 60?" not in text
    assert "measuring" not in text


def test_without_a_terminal_each_finished_cell_and_first_comparison_is_one_line(
    summary: Summary,
) -> None:
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, width=80))
    known = {"hybrid": [170, 150, 190], "process-pool": [166, 148, 188]}
    few = {"line": "standing", "workload": "primes", "at": 260.0, "rounds": 3, "rows": {}}
    first = {**few, "rounds": 4, "rows": known, "ties": ["hybrid", "process-pool"]}
    started = [START, few, first, trial("primes", "hybrid", 90.0), {**first, "rounds": 5}]
    for line in [FULL[0], *started, *FULL[1:]]:
        screen.update(line)
    lines = out.getvalue().splitlines()
    assert len([line for line in lines if line.startswith("[")]) == 20
    figure = intervals(summary, "process-pool")[0]
    assert any(
        line.startswith(f"[4/20] sleep / process-pool: {figure} req/s (unknown); about ")
        for line in lines
    )
    assert any(line.startswith(f"[7/20] primes / async: — ({NO_TWIN})") for line in lines)
    leading = [line.strip() for line in lines if " rounds: " in line and "primes" in line]
    assert leading == [
        "primes, after 4 rounds: hybrid (150–190) and process-pool (148–188) lead"
    ], "only the first comparison"
    assert "sleep, after 5 rounds: async (≥ 1310) leads" in out.getvalue()
    assert lines[2].startswith("20 cells; about ")
    assert "left" not in lines[-1], "the last one leaves nothing"
    with screen.live(lambda: 0.0):
        assert out.getvalue().splitlines() == lines


def test_the_picture_is_offline_well_formed_and_repeatable(
    summary: Summary, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = svg(summary)
    monkeypatch.setenv("NO_COLOR", "1")
    assert svg(summary) == text
    root = ET.fromstring(text)
    assert "@font-face" not in text
    assert text.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http") == 0
    words = "".join(root.itertext()).replace("\xa0", " ")
    assert intervals(summary, "process-pool")[1] in words
    assert "p99<250ms" in words


def test_markdown_holds_the_whole_run(summary: Summary) -> None:
    text = markdown(summary)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 * (2 + 5)  # capacities and costs
    assert {line.count("|") for line in table} == {6}
    figure = intervals(summary, "process-pool")[1]
    assert f"**★ {figure}**<br><sub>unknown</sub>" in row(text, "| process-pool")
    assert f"<sup>1</sup> {NO_TWIN}" in text
    assert f"```sh\n{summary.command}\n```" in text


def test_markdown_of_hostile_reasons_stays_a_table(tmp_path: Path) -> None:
    failed = result("sleep", "async", None, None, error="<b> | & no answer")
    odd = result("sleep", "inline", 1, 2, "late", blamed="a | b")
    path = write(tmp_path / "run.jsonl", [plan([("sleep", "async")]), failed, odd])
    text = markdown(summarize(read(path)))
    assert "is unfinished: &lt;b> | & no answer." in text
    assert "a \\| b" in text
