"""The answers of a run in brief: one or two lines for each workload, at the end of a terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.report.fitting import Parts, cuts
from loadtests.report.verdicts import WorkloadVerdict
from loadtests.report.wording import ratio_text
from loadtests.wording import listing

LEAST = {"CPU per request": "least CPU", "memory": "least memory", "fewer parts": "fewest parts"}
FEW = 2  # workloads, whose answers may be longer: the screen has room for them


@dataclass(frozen=True, slots=True)
class Answers:
    """What to use for each workload, and as many of the reasons as fit beside it."""

    verdicts: Sequence[WorkloadVerdict]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        names = [verdict.workload for verdict in self.verdicts]
        room = max(options.max_width - max(map(len, names), default=0) - 2, 20)
        lines = 2 if len(names) > FEW else 4
        texts: dict[str, list[str]] = {}
        for verdict in self.verdicts:
            for text in (brief(verdict, room, lines), *verdict.variants):
                texts.setdefault(_bare(verdict.workload, text), []).append(verdict.workload)
        table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        for text, workloads in texts.items():
            table.add_row(Text(listing(workloads), style="bold"), Text(text))
        yield table


def brief(verdict: WorkloadVerdict, width: int, lines: int = 2) -> str:
    """Shorten an answer until it fits on the lines: the step first, how sure it is last.

    The rate, and the rows that tie, are in the matrix too.
    """
    if not (verdict.pick and verdict.rate):
        return verdict.sentence
    more = f"{ratio_text(verdict.more)} {verdict.baseline}" if verdict.more else ""
    heads = [f"use {verdict.pick}: {', '.join(filter(None, (verdict.rate, more)))}"]
    heads += [f"use {verdict.pick}: {more}"] if more else []
    ties, but, better = verdict.sure.partition(", but ")
    of_ties = f"of those tied it {better}" if but else ties
    why = LEAST.get(verdict.decided_by, "")
    count = f"ties with {len(verdict.ties) - 1}{why and f' ({why})'}; " if but else ""
    last = count + verdict.sure.rpartition("; ")[2]
    sures = [verdict.sure, of_ties, last, last.replace("sure that it ", "")]
    sures += [count.removesuffix("; ")] if count else []
    parts = Parts([heads, cuts(verdict.why), sures, [verdict.next, ""]], [3, 0, 1, 2])
    text = parts.fitted(lambda text: len(textwrap.wrap(text, width)) <= lines)
    return text[:1].lower() + text[1:]  # it stands beside the name of its workload


def _bare(workload: str, sentence: str) -> str:
    """Leave out the name that stands beside it, and the marks of Markdown."""
    return sentence.removeprefix(f"`{workload}`: ").replace("`", "")
