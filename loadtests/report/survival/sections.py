"""The sections of a report beside its charts: tables of cells, and sentences about them.

Terminal, Markdown, page and summary.json all loop over `SECTIONS`, so that a new section is one
entry there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from loadtests.cell import Cell
from loadtests.report.summary import Summary
from loadtests.report.survival import beyond
from loadtests.report.survival.matrix import ABSENT, Entry
from loadtests.report.wording import name_of
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Line
from loadtests.wording import TIMES, count_of, percent, rate_text

CLOSE = 0.25
RESOURCES = {"cores": "cores", "gil": "the GIL", "loop": "the event loop", "slots": "the pool"}


@dataclass(frozen=True, slots=True)
class Section:
    """A table of cells with a title, a caption and a corner; and notes, which are sentences.

    A section with neither entries nor notes is left out of a report.
    """

    title: str
    caption: str
    corner: str = ""
    entries: Callable[[Summary], Mapping[Cell, Entry]] = lambda _: {}
    notes: Callable[[Summary], Iterable[str]] = lambda _: ()

    @property
    def anchor(self) -> str:
        return self.title.lower().replace(" ", "-")


class FilledSection(NamedTuple):
    section: Section
    entries: Mapping[Cell, Entry]
    notes: tuple[str, ...]


def filled(summary: Summary) -> Iterator[FilledSection]:
    """Yield the sections that have something to show, in their order."""
    for section in SECTIONS:
        entries, notes = section.entries(summary), tuple(section.notes(summary))
        if entries or notes:
            yield FilledSection(section, entries, notes)


def costs_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show what each cell cost; empty where no process could be watched."""
    known = any(cell.measured and cell.cpu_ms_per_request is not None for cell in summary.cells)
    return {cell.cell: _cost(cell) for cell in summary.cells if known}


def estimates_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show estimates and predictions; empty where there were none."""
    known = any(cell.measured and cell.ceiling is not None for cell in summary.cells)
    return {cell.cell: _estimate(cell) for cell in summary.cells if known}


def proof_notes(summary: Summary) -> Iterator[str]:
    for cell in summary.cells:
        if cell.proof:
            yield f"{name_of(cell)}: {proof_text(cell.proof)}"


def proof_text(proof: Mapping[str, object]) -> str:
    return str(proof.get("sentence") or f"no proof: {proof.get('reason')}")


def prediction_text(line: Line) -> str:
    return (
        f"predicted {rate_text(line['predicted'])} req/s "
        f"(estimated limit: {rate_text(line['ceiling'])}, by {resource_of(line['binding'])})"
    )


def resource_of(binding: str | None) -> str:
    return RESOURCES.get(binding or "", binding or "")


def prediction_quality(cells: Sequence[CellResult]) -> str:
    """Sum up measured ÷ predicted in a sentence, with both extremes; empty without scores."""
    scored = sorted((cell for cell in cells if cell.score), key=lambda cell: cell.score or 0.0)
    if not scored:
        return ""
    scores = [cell.score or 0.0 for cell in scored]
    close = sum(abs(score - 1) <= CLOSE for score in scores)
    least, most = (f"{cell.score:.2f} ({name_of(cell)})" for cell in (scored[0], scored[-1]))
    return (
        f"Measured ÷ predicted capacity, over the {count_of(len(scored), 'prediction')} that can "
        f"be scored: median {median(scores):.2f}, within {100 * CLOSE:.0f} % of 1 for {close}, "
        f"from {least} to {most}."
    )


def _cost(cell: CellResult) -> Entry:
    if not cell.measured:
        return Entry(ABSENT, style="dim")
    cpu, pss, bystander = cell.cpu_ms_per_request, cell.pss_mib, cell.bystander_p99_ms
    small = [] if pss is None else [f"{pss:.0f}M"]
    if bystander is not None:
        small.append(f"{bystander:.{0 if bystander >= 9.95 else 1}f} ms")
    return Entry("?" if cpu is None else f"{cpu:.3g} ms", ", ".join(small))


def _estimate(cell: CellResult) -> Entry:
    if cell.ceiling is None or not cell.measured:
        return Entry(ABSENT, style="dim")
    small = [] if cell.predicted is None else [f"≈ {rate_text(cell.predicted)}"]
    if cell.efficiency is not None:
        small.append(f"{'≥ ' if cell.unbounded else ''}{percent(cell.efficiency)}")
    resource = resource_of(cell.binding).removeprefix("the ")
    return Entry(f"{rate_text(cell.ceiling)} {resource}", ", ".join(small))


SECTIONS = (
    Section(
        "Costs",
        "CPU per request at the highest rate that held; below it, memory of all processes (PSS in "
        "MiB) and p99 of the bystander",
        "cost",
        costs_of,
    ),
    Section(
        "Estimates",
        "Estimated limit (by the resource that runs out first); below it, predicted capacity "
        "and share of the limit that was reached",
        "limit",
        estimates_of,
    ),
    Section("Proofs", "Searches with only the blamed resource relieved", notes=proof_notes),
    Section(
        "Beyond the peak",
        f"Goodput at 1.5 {TIMES} and 2 {TIMES} capacity, as a share of the peak; below it, time "
        "until the objective is met after a spike, goodput kept while workers are killed, and "
        f"share of {beyond.HEALTH} that the overload lost",
        f"1.5 {TIMES} · 2 {TIMES}",
        beyond.peaks_of,
        beyond.overload_notes,
    ),
    Section(
        "Interference",
        f"p99 (ms) of {beyond.HEALTH} and of a no-op under each model, while the row's cell runs "
        "at 80 % of its capacity",
        "p99 in ms",
        beyond.interference_of,
        beyond.interference_notes,
    ),
    Section("Soak", "Drift under a constant load", notes=beyond.soak_notes),
)
