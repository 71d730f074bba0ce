"""A surge in the terminal: its progress, and its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtests.durations import rounded_duration
from loadtests.machine.environment import describe
from loadtests.report.colours import style_of
from loadtests.report.console import item
from loadtests.report.surge.results import (
    HEADS,
    PolicyRow,
    load_text,
    sentences,
    sparkline,
    table,
    title,
    warnings,
)
from loadtests.report.survival.live import BAR_WIDTH, live
from loadtests.run.surge.lines import PolicyResult
from loadtests.run.surge.phases import NAMES
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from rich.console import Console, RenderableType

    from loadtests.run.file.lines import Line
    from loadtests.run.surge.lines import Surge

AHEAD_S = 2.5  # for a server to start and settle
AROUND_S = AHEAD_S + 1.5  # and to drain and stop


class SurgeScreen:
    """The progress of a surge, updated with the lines of its run file in their order."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._policies: tuple[str, ...] = ()
        self._durations: tuple[float, ...] = ()
        self._capacity = 0.0
        self._running: tuple[str, float] | None = None
        self._done: list[PolicyResult] = []

    def update(self, line: Line) -> None:
        """Process the next line; unknown kinds are ignored."""
        match line["line"]:
            case "run":
                self._policies = tuple(line["policies"])
                self._durations = tuple(line["durations"])
                names = ", ".join(self._policies)
                left = rounded_duration(self._whole * len(self._policies))
                self._say(f"{line['workload']} under {line['model']}: {names}; about {left}")
            case "capacity":
                self._capacity = line["capacity"]
                self._say(f"capacity: about {rate_text(self._capacity)} req/s")
            case "policy-start":
                self._running = (line["policy"], line["at"])
            case "policy":
                self._running = None
                self._done.append(PolicyResult.of(line))
                left_s = self._whole * (len(self._policies) - len(self._done))
                left = f"; about {rounded_duration(left_s)} left" if left_s else ""
                self._say(self._progress(self._done[-1]) + left)

    def live(self, clock: Callable[[], float]) -> AbstractContextManager[object]:
        """Show the progress while the block runs, if this is a terminal."""
        return live(self._console, lambda: self.render(clock()))

    def render(self, now: float) -> RenderableType:
        """Draw the progress of the run, `now` seconds after its start."""
        total, done = len(self._policies), len(self._done)
        if not total:
            return Text("starting …")
        spent = max(0.0, now - self._running[1]) if self._running else 0.0
        left = max(0.0, self._whole * (total - done) - min(spent, self._whole))
        grid = Table.grid(padding=(0, 2))
        text = f"{done} of {total} policies, about {rounded_duration(left)} left"
        grid.add_row(ProgressBar(total, done + spent / self._whole, BAR_WIDTH), Text(text))
        finished = [Text(self._progress(result)) for result in self._done]
        return Group(*finished, grid, Text(self._doing(spent), style="italic"))

    @property
    def _whole(self) -> float:
        return sum(self._durations) + AROUND_S

    def _doing(self, spent: float) -> str:
        if not self._running:
            return "measuring the capacity …" if not self._capacity else ""
        name, over = "settling", AHEAD_S
        for phase, seconds in zip(NAMES, self._durations, strict=True):
            if spent >= over:
                name = phase
            over += seconds
        return f"{self._running[0]}: {name} …"

    def _progress(self, result: PolicyResult) -> str:
        number = f"[{self._policies.index(result.policy) + 1}/{len(self._policies)}]"
        if result.error:
            return f"{number} {result.policy}: no result"
        line = sparkline([second.good for second in result.series], self._capacity)
        return f"{number} {result.policy}: {line}"

    def _say(self, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(Text(text), soft_wrap=True)


def final(surge: Surge, folder: Path | None = None) -> RenderableType:
    """Draw a finished surge: its table, each of its seconds, its sentences, its folder."""
    rows = table(surge)
    parts: list[RenderableType] = [
        Text(title(surge), style="bold"),
        Text(describe(surge.environment), style="dim"),
        Text(load_text(surge)),
        Text(),
        _figures(rows),
        Text(),
        _sparklines(rows, surge),
        Text(),
        *(item("•", sentence) for sentence in sentences(surge)),
    ]
    if cautions := warnings(surge):
        parts += [Text(), *(item("!", warning, "yellow") for warning in cautions)]
    if folder is not None:
        parts += [Text(), Text(f"Results: {folder}", overflow="fold")]
    return Group(*parts)


def _figures(rows: tuple[PolicyRow, ...]) -> Table:
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in HEADS:
        grid.add_column(head, max_width=12 if head == HEADS[-1] else None)
    for row in rows:
        cells = [Group(Text(figure), Text(small, style="dim")) for figure, small in row.phases]
        grid.add_row(_name(row), *cells, row.refused, row.gave_up, row.again)
    return grid


def _sparklines(rows: tuple[PolicyRow, ...], surge: Surge) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for row in rows:
        grid.add_row(_name(row), Text(row.sparkline, style=style_of(row.policy)[0]))
    before, during, _ = map(int, surge.durations)
    mark = (
        "╰" + NAMES[1].center(during - 2, "─") + "╯" if during > len(NAMES[1]) + 2 else "─" * during
    )
    below = " " * before + mark
    grid.add_row(Text("each second", style="dim"), Text(below, style="dim"))
    return grid


def _name(row: PolicyRow) -> Text:
    return Text(row.policy, style=style_of(row.policy)[0])
