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
from loadtests.machine.environment import describe
from loadtests.report.survival.beyond import brief
from loadtests.report.survival.matrix import Entry, entry_of, grid
from loadtests.report.survival.sections import prediction_text, proof_text
from loadtests.report.survival.terminal import head
from loadtests.report.verdicts import leaders
from loadtests.report.wording import autopsy_text, range_text
from loadtests.run.file.cells import CellResult, Standing
from loadtests.run.file.lines import (
    Line,
    Plan,
    TrialRecord,
    cell_of,
    plan_of,
    result_of,
    resumed,
    standing_of,
    trial_of,
)
from loadtests.run.survival.time_left import Pace
from loadtests.wording import count_of, listing, rate_text

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
        self._standings: dict[str, Standing] = {}
        self._steps: dict[Cell, str] = {}  # of the cells that are being measured
        self._pace = Pace()

    def update(self, line: Line) -> None:
        """Take in the next line of the run file; lines of unknown kinds are ignored."""
        self._pace.update(line)
        match line["line"]:
            case "run":
                self._plan = plan_of(line)
                self._announce(_head(self._plan))
                self._announce(Text(f"{self._count}{self._rest(0.0)}"))
            case "resumed" if self._plan:
                self._plan = resumed(self._plan, line)
                self._steps.clear()
                self._results = {
                    cell: result
                    for cell, result in self._results.items()
                    if result.state != "unfinished"
                }
                done = f"{len(self._results)} of {self._count}"
                self._announce(Text(f"resumed: {done} done before{self._rest(line.get('at'))}"))
            case "proof":
                self._announce(_detail(line, f": {proof_text(line)}"))
            case "autopsy":
                self._announce(_detail(line, f": {autopsy_text(line['guilty'])}"))
            case "beyond":
                self._announce(_detail(line, f", {line['kind']}: {brief(line['kind'], line)}"))
            case "end":
                self._steps.clear()
            case _ if self._plan:
                self._measure(line, self._plan)

    def _measure(self, line: Line, plan: Plan) -> None:
        """Take in a line about the rounds of a workload."""
        match line["line"]:
            case "workload-start":
                self._steps = {
                    cell: ""
                    for cell in plan.cells
                    if cell.workload == line["workload"] and cell.row in line["rows"]
                }
            case "prediction" if line.get("predicted") is not None:
                self._go_on(cell_of(line), f"≈ {rate_text(line['predicted'])}?")
                self._announce(_detail(line, f": {prediction_text(line)}"))
            case "trial" if not line.get("again"):
                trial = trial_of(line)
                self._go_on(trial.cell, _trial_text(trial))
            case "standing":
                self._compare(standing_of(line))
            case "cell":
                result = result_of(line)
                self._results[result.cell] = result
                self._steps.pop(result.cell, None)
                self._announce(self._plain(result, len(self._cells), self._rest(result.at)))

    def live(self, clock: Callable[[], float]) -> AbstractContextManager[object]:
        """Keep the matrix on the terminal while the block runs; do nothing elsewhere.

        `clock` returns seconds since the start of the run.
        """
        return live(self._console, lambda: self.render(clock()))

    def render(self, now: float) -> RenderableType:
        """Draw the run as it is `now` seconds after its start."""
        if self._plan is None:
            return Text("starting …")
        best = leaders(self._results.values(), self._standings)
        entries = {cell: self._entry(cell, best) for cell in self._cells}
        left = self._pace.left(now)
        rest = f"about {rounded_duration(left)} left" if left else "done"
        progress = Table.grid(padding=(0, 2))
        bar = ProgressBar(len(self._cells), len(self._results), BAR_WIDTH)
        progress.add_row(bar, Text(f"{len(self._results)} of {self._count}, {rest}"))
        return Group(_head(self._plan), progress, Text(), grid(entries))

    def _entry(self, cell: Cell, best: set[Cell]) -> Entry:
        if cell in self._steps:
            return self._provisional(cell)
        result = self._results.get(cell)
        return entry_of(result, best=cell in best) if result else PENDING

    def _provisional(self, cell: Cell) -> Entry:
        """Show what the rounds so far say of a cell: nothing before the third."""
        step, standing = self._steps[cell], self._standings.get(cell.workload)
        if standing is None or cell.row not in standing.rows:
            return Entry("measuring …", step, style="italic")
        ties = len(standing.rows) > 1 and cell.row in standing.ties
        return Entry(range_text(standing.rows[cell.row]), step, style="italic", best=ties)

    def _compare(self, standing: Standing) -> None:
        """Take in how rows compare; elsewhere than on a terminal, the first such time is a line."""
        before = self._standings.get(standing.workload, Standing(standing.workload))
        self._standings[standing.workload] = standing
        leading = [row for row in standing.rows if row in standing.ties]
        if len(before.rows) < 2 <= len(standing.rows) and leading:
            rows = listing([f"{row} ({range_text(standing.rows[row])})" for row in leading])
            verb = "leads" if len(leading) == 1 else "lead"
            text = f"after {standing.rounds} rounds: {rows} {verb}"
            self._announce(Text(f"      {standing.workload}, {text}"))

    def _go_on(self, cell: Cell, step: str) -> None:
        if cell in self._steps:
            self._steps[cell] = step

    @property
    def _count(self) -> str:
        return count_of(len(self._cells), "cell")

    @property
    def _cells(self) -> list[Cell]:
        """Those of the plan, and sizes that were added to it."""
        planned = self._plan.cells if self._plan else ()
        return list(dict.fromkeys((*planned, *self._results)))

    def _rest(self, at: float | None) -> str:
        """End a plain line with the time left at this moment of the run file."""
        left = self._pace.left_at(at or 0.0)
        return f"; about {rounded_duration(left)} left" if left else ""

    def _announce(self, message: RenderableType) -> None:
        if not self._console.is_terminal:
            self._console.print(message, soft_wrap=True)

    def _plain(self, result: CellResult, cells: int, rest: str) -> Text:
        entry = entry_of(result)
        number = f"[{len(self._results)}/{cells}]"
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
    return head(plan.slo, plan.mode, describe(plan.environment))


def _detail(line: Line, text: str) -> Text:
    return Text(f"      {line['workload']} / {cell_of(line).row}{text}")


def _trial_text(trial: TrialRecord) -> str:
    return f"{rate_text(trial.rate)}/s {trial.outcome}"
