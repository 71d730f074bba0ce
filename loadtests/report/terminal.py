"""A survival run in the terminal: the matrix as it fills, and what the run says in the end."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtests.environment import describe
from loadtests.records import Cell, CellResult, cell_of, plan_of, result_of, trial_of
from loadtests.report.beyond import CORNER, STARVED, peaks_of, sentences, starved_of
from loadtests.report.beyond import TITLE as BEYOND
from loadtests.report.brief import brief
from loadtests.report.costs import TITLE, costs_of
from loadtests.report.matrix import Entry, Matrix, entry_of
from loadtests.report.pace import Pace
from loadtests.verdicts import leaders
from loadtests.wording import count_of, rate_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from rich.console import Console, RenderableType

    from loadtests.records import Line, Plan, TrialRecord
    from loadtests.summary import Summary

PENDING = Entry("·", style="dim")
REFRESHES_PER_S = 4
BAR_WIDTH = 30


class Screen:
    """What a run shows while it goes on: fed with the lines of its run file, in their order.

    On a terminal `render` is the matrix as it fills; elsewhere each finished cell is printed as
    one plain line, and `render` is for tests alone.
    """

    def __init__(self, console: Console, cells: Iterable[Cell] = ()) -> None:
        self._console = console
        self._cells = tuple(cells)
        self._plan: Plan | None = None
        self._results: dict[Cell, CellResult] = {}
        self._running: tuple[Cell, float] | None = None
        self._last: TrialRecord | None = None
        self._pace = Pace()

    def update(self, line: Line) -> None:
        """Take in the next line of the run file; kinds of lines not known here are left out."""
        self._pace.update(line)
        match line["line"]:
            case "run":
                self._plan = plan_of(line)
                self._cells = self._plan.cells
                self._announce(head(self._plan.slo, self._plan.mode, self._plan.environment))
            case "cell-start":
                self._running = (cell_of(line), line.get("at") or 0.0)
                self._last = None
            case "trial":
                self._last = trial_of(line)
            case "cell":
                result = result_of(line)
                self._results[result.cell] = result
                self._running = None
                self._announce(self._plain(result))
            case "beyond":
                said = f"{line['kind']}: {brief(line['kind'], line)}"
                self._announce(Text(f"      {line['workload']} / {cell_of(line).row}, {said}"))
            case "end":
                self._running = None

    def live(self, clock: Callable[[], float]) -> AbstractContextManager[object]:
        """Keep the matrix on the terminal while the block runs; do nothing elsewhere.

        `clock` returns seconds since the start of the run.
        """
        return live(self._console, lambda: self.render(clock()))

    def render(self, now: float) -> RenderableType:
        """Draw the run as it stands `now` seconds after its start."""
        best = leaders(self._results.values(), self._plan.slo if self._plan else "")
        entries = {cell: self._entry(cell, best) for cell in self._cells}
        top = [head(self._plan.slo, self._plan.mode, self._plan.environment)] if self._plan else []
        return Group(*top, self._progress(now), Text(), Matrix(entries))

    def _entry(self, cell: Cell, best: set[Cell]) -> Entry:
        if self._running and self._running[0] == cell:
            return _measuring(self._last)
        result = self._results.get(cell)
        return entry_of(result, best=cell in best) if result else PENDING

    def _progress(self, now: float) -> RenderableType:
        done, total = len(self._results), len(self._cells)
        if not total:
            return Text("starting …")
        grid = Table.grid(padding=(0, 2))
        said = f"{done} of {count_of(total, 'cell')}, {self._time_left(now)}"
        grid.add_row(ProgressBar(total, done, BAR_WIDTH), Text(said))
        return grid

    def _time_left(self, now: float) -> str:
        waiting = len(self._cells) - len(self._results)
        left = self._pace.left(waiting, now)
        if left is None:
            return f"{duration(now)} so far"
        return f"about {duration(left)} left" if waiting or left else "done"

    def _announce(self, said: RenderableType) -> None:
        if not self._console.is_terminal:
            self._console.print(said, soft_wrap=True)

    def _plain(self, result: CellResult) -> Text:
        entry = entry_of(result)
        number = f"[{len(self._results)}/{len(self._cells)}]"
        unit = " req/s" if result.measured and result.bears else ""
        reason = entry.note or entry.small
        more = f" ({reason})" if reason else ""
        return Text(f"{number} {result.workload} / {result.row}: {entry.figure}{unit}{more}")


def live(console: Console, render: Callable[[], RenderableType]) -> AbstractContextManager[object]:
    """Keep what is drawn on a terminal while the block runs; do nothing elsewhere."""
    if not console.is_terminal:
        return nullcontext()
    return Live(
        get_renderable=render,
        console=console,
        refresh_per_second=REFRESHES_PER_S,
        transient=True,  # `final` takes its place
    )


def final(summary: Summary, folder: Path | None = None) -> RenderableType:
    """Draw a finished run: the matrix, a sentence for each workload, warnings, the files."""
    parts: list[RenderableType] = [
        head(summary.slo, summary.mode, summary.environment),
        Text(),
        matrix_of(summary),
        Text(),
        *(_item("•", said) for verdict in summary.verdicts for said in verdict.said),
    ]
    if costs := costs_of(summary):
        parts += [Text(), Text(TITLE, style="dim"), Text(), Matrix(costs, corner="cost")]
    for title, entries, corner in (
        (BEYOND, peaks_of(summary), CORNER),
        (STARVED, starved_of(summary), "p99 in ms"),
    ):
        if entries:
            parts += [Text(), Text(title, style="dim"), Text(), Matrix(entries, corner=corner)]
    if said := sentences(summary):
        parts += [Text(), *(_item("•", sentence) for sentence in said)]
    if summary.warnings:
        parts += [Text(), *(_item("!", warning, "yellow") for warning in summary.warnings)]
    if folder is not None:
        parts += [Text(), Text(f"Results: {folder}", overflow="fold")]
    return Group(*parts)


def matrix_of(summary: Summary) -> Matrix:
    best = leaders(summary.cells, summary.slo)
    return Matrix({cell.cell: entry_of(cell, best=cell.cell in best) for cell in summary.cells})


def head(slo: str, mode: str, environment: Mapping[str, object]) -> RenderableType:
    title = f"[bold]Requests per second borne within {escape(slo)}[/bold] ({escape(mode)} run)"
    return Group(Text.from_markup(title), Text(describe(environment), style="dim"))


def duration(seconds: float) -> str:
    """Return a time as people say it, such as "40 s" or "6 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _measuring(last: TrialRecord | None) -> Entry:
    if last is None:
        return Entry("measuring …", style="italic")
    outcome = "discarded" if not last.valid else "held" if last.held else "broke"
    return Entry("measuring …", f"{rate_text(last.rate)}/s {outcome}", style="italic")


def _item(bullet: str, sentence: str, style: str = "") -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(bullet, style=style), Text(sentence.replace("`", "")))
    return grid
