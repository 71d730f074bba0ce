"""The answer for one workload as a card of the page: what to use, why, and how the rows compare."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.report.next_steps import next_steps
from loadtests.report.summary import Summary
from loadtests.report.survival.matrix import ABSENT, capacities
from loadtests.report.survival.tables import Table
from loadtests.report.verdicts import WorkloadVerdict
from loadtests.report.wording import (
    cause_sentence,
    guilty_reason,
    guilty_text,
    interval_text,
    ratio_text,
)
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Line
from loadtests.wording import listing

SOON = 0.5  # percent of the width: the least that can be seen of a bar


@dataclass(frozen=True, slots=True)
class CardBar:
    """A row on a card: its capacity on a scale from 0 to the highest, in percent."""

    row: str
    model: str
    mark: str
    text: str
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Card:
    """`about` is what the workload does, `parts` are named sentences."""

    workload: str
    about: str
    verdict: WorkloadVerdict
    more: str
    bars: tuple[CardBar, ...]
    parts: Mapping[str, str]


def cards(summary: Summary, workloads: Mapping[str, Line]) -> Iterator[Card]:
    """Yield a card for each workload; `workloads` has what the service says of them."""
    marks = {cell: entry.mark for cell, entry in capacities(summary).items()}
    for verdict in summary.verdicts:
        mine = [cell for cell in summary.cells if cell.workload == verdict.workload]
        mine = [cell for cell in mine if not cell.unavailable]
        mine.sort(key=lambda cell: (cell.unbounded, cell.capacity or 0.0), reverse=True)
        top = max((_end(cell) for cell in mine if cell.measured), default=0.0)
        ratios = {verdict.baseline: verdict.more, verdict.beaten: verdict.ratio}
        more = listing([f"{ratio_text(ratio)} {row}" for row, ratio in ratios.items() if ratio])
        sentence = verdict.sentence.removeprefix(f"`{verdict.workload}`: ")
        parts = {"Why": verdict.why, "Where": _line(verdict, mine)}
        parts |= {"Next": verdict.next, "Sure": verdict.sure}
        yield Card(
            verdict.workload,
            about(workloads.get(verdict.workload, {}), verdict.about),
            verdict,
            more,
            tuple(_bar(cell, top, marks[cell.cell]) for cell in mine),
            parts if verdict.pick else {"Why": sentence, "Next": verdict.next},
        )


def about(known: Line, parameters: str) -> str:
    """Say what a workload does: the first line of its documentation, and its parameters."""
    doc = str(known.get("doc") or "").strip().partition("\n")[0].rstrip(".")
    return f"{doc} ({parameters})" if doc and parameters else doc or parameters


def causes_table(results: Sequence[CellResult]) -> Table | None:
    """List what ran out under each row, and what should help; None if nothing is known."""
    measured = [cell for cell in results if cell.measured]
    columns: dict[str, list[str]] = {
        "row": [cell.row for cell in measured],
        "sustains, req/s": list(map(interval_text, measured)),
        "what ran out beyond it": list(map(cause_sentence, measured)),
        "line of code": [guilty_text(cell) or guilty_reason(cell) for cell in measured],
        "what should raise it": [
            next(iter(next_steps(cell)), "").removeprefix(f"for {cell.row}, ") for cell in measured
        ],
    }
    known = {head: column for head, column in columns.items() if any(column)}
    rows = zip(*([text or ABSENT for text in column] for column in known.values()), strict=True)
    return Table(tuple(known), tuple(rows), words=len(known)) if measured else None


def _line(verdict: WorkloadVerdict, cells: Sequence[CellResult]) -> str:
    """Name the line of code that limits the row that was beaten, or else another of the answer."""
    known = {cell.row: guilty_text(cell) for cell in cells}
    rows = (verdict.beaten, verdict.baseline, verdict.pick)
    return next((f"under {row}, {known[row]}" for row in rows if row and known.get(row)), "")


def _end(cell: CellResult) -> float:
    return cell.sustained if cell.unbounded else cell.high


def _bar(cell: CellResult, top: float, mark: str) -> CardBar:
    text = interval_text(cell)
    if not cell.sustained or not top:
        return CardBar(cell.row, cell.model, mark, text)
    low, high = (max(100 * rate / top, SOON) for rate in (cell.sustained, _end(cell)))
    return CardBar(cell.row, cell.model, mark, text, round(low, 1), round(high, 1))
