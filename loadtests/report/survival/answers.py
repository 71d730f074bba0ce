"""The answers of a run in brief: one or two lines for each workload, at the end of a terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.report.verdicts import WorkloadVerdict
from loadtests.report.wording import ratio_text
from loadtests.wording import listing

MOST_LINES = 2


@dataclass(frozen=True, slots=True)
class Answers:
    """What to use for each workload, and as many of the reasons as fit beside it."""

    verdicts: Sequence[WorkloadVerdict]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        names = [verdict.workload for verdict in self.verdicts]
        room = options.max_width - max(map(len, names), default=0) - 2
        texts: dict[str, list[str]] = {}
        for verdict in self.verdicts:
            for text in (brief(verdict, room), *verdict.pythons):
                texts.setdefault(_bare(verdict.workload, text), []).append(verdict.workload)
        table = Table.grid(padding=(0, 2, 0, 0))
        for text, workloads in texts.items():
            table.add_row(Text(listing(workloads), style="bold"), Text(text))
        yield table


def brief(verdict: WorkloadVerdict, width: int) -> str:
    """Shorten an answer: its head, and of the other parts what fits on the lines."""
    if not (verdict.pick and verdict.rate):
        return verdict.sentence
    more = f", {ratio_text(verdict.more)} {verdict.baseline}" if verdict.more else ""
    text = f"{verdict.pick}: {verdict.rate}{more}."
    for part in (verdict.why, verdict.sure, verdict.next):
        longer = f"{text} {part[:1].upper()}{part[1:].rstrip('.')}." if part else text
        if len(textwrap.wrap(longer, max(width, 20))) <= MOST_LINES:
            text = longer
    return text


def _bare(workload: str, sentence: str) -> str:
    """Leave out the name that stands beside it, and the marks of Markdown."""
    return sentence.removeprefix(f"`{workload}`: ").replace("`", "")
