"""A report is complete, fits its terminal, and needs neither colour nor network."""

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadtests.report.summary import Summary, summarize
from loadtests.report.survival.live import LiveScreen
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.terminal import final, svg
from loadtests.report.wording import interval_text
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line
from tests.support.finished_report import printed
from tests.support.run_files import FULL, FULL_RESULTS, NO_TWIN, plan, result, trial, write

START: Line = {"line": "cell-start", "workload": "primes", "model": "hybrid", "at": 240.0}


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


@pytest.mark.parametrize("width", [80, 120])
def test_the_matrix_fits_with_every_figure_on_one_line(summary: Summary, width: int) -> None:
    text = printed(final(summary, Path("results/here")), width)
    assert max(map(cell_len, text.splitlines())) <= width
    figures = intervals(summary, "process-pool")
    assert row(text, "process-pool").split() == (
        ["process-pool", *figures[:1], "★", figures[1], "★", *figures[2:]]
    )
    assert "backlog grew" in text
    assert "/health late" in text
    tied = sum(len(verdict.tied) for verdict in summary.verdicts)
    assert text.count("★") == tied + 1  # the legend
    assert "p99<250ms" in text
    assert "Results: results/here" in text


def test_absent_cells_have_their_reason_once_below(summary: Summary) -> None:
    text = printed(final(summary))
    assert row(text, "async ").count("— ¹") == 3
    assert text.count(NO_TWIN) == 1
    assert f"¹ {NO_TWIN}" in text


def test_many_workloads_are_stacked_and_long_names_broken() -> None:
    model = "supervised-process-pool"
    cells = [(f"work-{number}", model) for number in range(9)]
    text = printed(screen_after(plan(cells)).render(0.0))
    assert max(map(cell_len, text.splitlines())) <= 80
    assert all(f"work-{number}" in text for number in range(9))
    assert text.count("supervised-") == 3


def test_a_screen_shows_what_is_pending_running_and_done(summary: Summary) -> None:
    lines = [FULL[0], *FULL_RESULTS[:9], START]
    text = printed(screen_after(*lines).render(250.0))
    assert "measuring …" in row(text, "hybrid")
    assert "9 of 20 cells" in text
    assert row(text, "inline").split() == ["inline", *intervals(summary, "inline")[:2], "·", "·"]
    broke = trial("primes", "hybrid", 120.0, held=False, broke_by="late")
    assert "120/s failed" in printed(screen_after(*lines, broke).render(250.0))
    invalid = trial("primes", "hybrid", 120.0, held=False, valid=False)
    assert "120/s void" in printed(screen_after(*lines, invalid).render(250.0))


def test_a_screen_says_how_much_is_left_from_its_first_line_to_its_last() -> None:
    lines = [FULL[0], *FULL_RESULTS[:9], START]  # 8 of 30 s each, 1 that cannot exist, 11 to do
    assert "about 5 min left" in printed(screen_after(*lines).render(250.0))
    assert "0 of 20 cells, about 8 min left" in printed(screen_after(FULL[0]).render(12.0))
    assert "starting" in printed(screen_after().render(1.0))
    assert "20 of 20 cells, done" in printed(screen_after(*FULL).render(620.0))


def test_a_resumed_screen_starts_over_with_the_search_that_was_cut_off() -> None:
    predicted = {"line": "prediction", "workload": "primes", "model": "hybrid", "at": 241.0}
    figures = {"predicted": 60.0, "ceiling": 80.0, "binding": "cores"}
    lines = [FULL[0], *FULL_RESULTS[:9], START, {**predicted, **figures}]
    assert "≈ 60?" in printed(screen_after(*lines).render(250.0))
    resumed: Line = {"line": "resumed", "at": 250.0}
    text = printed(screen_after(*lines, resumed).render(1.0))
    assert "≈ 60?" not in text
    assert "measuring" not in text


def test_without_a_terminal_each_finished_cell_is_one_line(summary: Summary) -> None:
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, width=80))
    for line in [*FULL[:1], START, trial("primes", "hybrid", 90.0), *FULL[1:]]:
        screen.update(line)
    lines = out.getvalue().splitlines()
    assert len([line for line in lines if line.startswith("[")]) == 20
    first = intervals(summary, "process-pool")[0]
    assert f"[4/20] sleep / process-pool: {first} req/s (too late); about 7 min left" in lines
    assert f"[7/20] primes / async: — ({NO_TWIN}); about 6 min left" in lines
    assert lines[2] == "20 cells; about 8 min left"
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
    assert f"**★ {figure}**<br><sub>backlog grew</sub>" in row(text, "| process-pool")
    assert f"<sup>1</sup> {NO_TWIN}" in text
    assert f"```sh\n{summary.command}\n```" in text


def test_markdown_of_hostile_reasons_stays_a_table(tmp_path: Path) -> None:
    failed = result("sleep", "async", None, None, error="<b> | & no answer")
    odd = result("sleep", "inline", 1, 2, "a | b")
    path = write(tmp_path / "run.jsonl", [plan([("sleep", "async")]), failed, odd])
    text = markdown(summarize(read(path)))
    assert "has no result: &lt;b> | & no answer." in text
    assert "a \\| b" in text
