"""A survival run in the terminal while it is measured: the matrix as it fills."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtests.cell import Cell
from loadtests.durations import rounded_duration
from loadtests.report.survival.beyond import brief
from loadtests.report.survival.matrix import Entry, entry_of, grid
from loadtests.report.survival.sections import prediction_text, proof_text
from loadtests.report.survival.terminal import head
from loadtests.report.verdicts import leaders
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import (
    Line,
    Plan,
    TrialRecord,
    cell_of,
    plan_of,
    resumed,
    trial_of,
)
from loadtests.run.survival.time_left import Pace
from loadtests.wording import count_of, rate_text

PENDING = Entry("·", style="dim")
REFRESHES_PER_S = 4
BAR_WIDTH = 30


class LiveScreen:
    """What a run shows while it is measured, fed with the lines of its run file in their order.

    A terminal shows what `render` returns; elsewhere each event is printed as one plain line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._plan: Plan | None = None
        self._results: dict[Cell, CellResult] = {}
        self._searched: set[tuple[Cell, int]] = set()
        self._running: Cell | None = None
        self._step = ""  # of the running cell
        self._pace = Pace()

    def update(self, line: Line) -> None:
        """Take in the next line of the run file; lines of unknown kinds are ignored."""
        self._pace.update(line)
        match line["line"]:
            case "run":
                self._plan = plan_of(line)
                self._announce(_head(self._plan))
                self._announce(Text(f"{self._count(self._unit)}{self._rest(0.0)}"))
            case "resumed" if self._plan:
                self._plan = resumed(self._plan, line)
                self._running, self._step = None, ""
                self._searched = {key for key in self._searched if not self._results[key[0]].error}
                done = f"{len(self._searched)} of {self._count('search')}"
                self._announce(Text(f"resumed: {done} done before{self._rest(line.get('at'))}"))
            case "cell-start":
                self._running, self._step = cell_of(line), ""
            case "trial":
                self._step = _trial_text(trial_of(line))
            case "prediction" if line.get("predicted") is not None:
                self._step = f"≈ {rate_text(line['predicted'])}?"
                self._announce(_detail(line, f": {prediction_text(line)}"))
            case "cell" if self._plan:
                search = search_of(line)
                self._results = dict(with_search(self._results, search, self._plan))
                self._searched.add((search.cell, search.search))
                self._running = None
                self._announce(self._plain(self._results[search.cell], self._rest(search.at)))
            case "proof":
                self._announce(_detail(line, f": {proof_text(line)}"))
            case "beyond":
                self._announce(_detail(line, f", {line['kind']}: {brief(line['kind'], line)}"))
            case "end":
                self._running = None

    def live(self, clock: Callable[[], float]) -> AbstractContextManager[object]:
        """Keep the matrix on the terminal while the block runs; do nothing elsewhere.

        `clock` returns seconds since the start of the run.
        """
        return live(self._console, lambda: self.render(clock()))

    def render(self, now: float) -> RenderableType:
        """Draw the run as it is `now` seconds after its start."""
        if self._plan is None:
            return Text("starting …")
        best = leaders(self._results.values(), self._plan.slo)
        entries = {cell: self._entry(cell, best) for cell in self._plan.cells}
        left = self._pace.left(now)
        rest = f"about {rounded_duration(left)} left" if left else "done"
        text = f"{len(self._searched)} of {self._count(self._unit)}, {rest}"
        progress = Table.grid(padding=(0, 2))
        progress.add_row(ProgressBar(self._total, len(self._searched), BAR_WIDTH), Text(text))
        return Group(_head(self._plan), progress, Text(), grid(entries))

    def _entry(self, cell: Cell, best: set[Cell]) -> Entry:
        if self._running == cell:
            return Entry("measuring …", self._step, style="italic")
        result = self._results.get(cell)
        return entry_of(result, best=cell in best) if result else PENDING

    @property
    def _total(self) -> int:
        return len(self._plan.cells) * self._plan.searches if self._plan else 0

    @property
    def _unit(self) -> str:
        return "search" if self._plan and self._plan.searches > 1 else "cell"

    def _count(self, unit: str) -> str:
        return count_of(self._total, unit)

    def _rest(self, at: float | None) -> str:
        """End a plain line with the time left at this moment of the run file."""
        left = self._pace.left_at(at or 0.0)
        return f"; about {rounded_duration(left)} left" if left else ""

    def _announce(self, message: RenderableType) -> None:
        if not self._console.is_terminal:
            self._console.print(message, soft_wrap=True)

    def _plain(self, result: CellResult, rest: str) -> Text:
        entry = entry_of(result)
        number = f"[{len(self._searched)}/{self._total}]"
        unit = " req/s" if result.measured and result.sustained else ""
        reason = entry.note or entry.small
        more = f" ({reason})" if reason else ""
        return Text(f"{number} {result.workload} / {result.row}: {entry.figure}{unit}{more}{rest}")


def live(console: Console, render: Callable[[], RenderableType]) -> AbstractContextManager[object]:
    """Keep a drawing on a terminal while the block runs; do nothing elsewhere."""
    if not console.is_terminal:
        return nullcontext()
    return Live(
        get_renderable=render,
        console=console,
        refresh_per_second=REFRESHES_PER_S,
        transient=True,  # `final` takes its place
    )


def _head(plan: Plan) -> RenderableType:
    return head(plan.slo, plan.mode, plan.environment)


def _detail(line: Line, text: str) -> Text:
    return Text(f"      {line['workload']} / {cell_of(line).row}{text}")


def _trial_text(trial: TrialRecord) -> str:
    return f"{rate_text(trial.rate)}/s {trial.outcome}"
