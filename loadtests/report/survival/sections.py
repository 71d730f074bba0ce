"""The sections of a report beside its charts: tables of cells, and sentences about them.

Terminal, Markdown, page and summary.json all loop over `SECTIONS`, so that a new section is one
entry there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from loadtests.cell import Cell
from loadtests.report.summary import Summary
from loadtests.report.survival import beyond, surge
from loadtests.report.survival.matrix import ABSENT, Entry
from loadtests.report.wording import name_of, ratio_text
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Line
from loadtests.wording import DASH, TIMES, count_of, listing, percent, rate_text

CLOSE = 0.25
RESOURCES = {"cores": "cores", "gil": "the GIL", "loop": "the event loop", "slots": "the pool"}


@dataclass(frozen=True, slots=True)
class Section:
    """A table of cells with a title, a caption and a corner; and notes, which are sentences.

    A section with neither entries nor notes is left out of a report, and one that is a `detail`
    from the end of a run in the terminal, unless more is requested. `{…}` in its caption and
    corner are constants of the run.
    """

    title: str
    caption: str
    corner: str = ""
    entries: Callable[[Summary], Mapping[Cell, Entry]] = lambda _: {}
    notes: Callable[[Summary], Iterable[str]] = lambda _: ()
    detail: bool = False

    @property
    def anchor(self) -> str:
        return self.title.lower().replace(" ", "-")


class FilledSection(NamedTuple):
    section: Section
    entries: Mapping[Cell, Entry]
    notes: tuple[str, ...]


def filled(summary: Summary) -> Iterator[FilledSection]:
    """Yield the sections that have something to show, in their order."""
    used = summary.constants
    factors = [f"{factor:g} {TIMES}" for factor in used.overload]
    words = {
        "overloads": listing(factors),
        "overload": " · ".join(factors),
        "bystanders": percent(used.bystanders),
        "surges": listing([f"{factor:g} {TIMES}" for factor in used.surge]),
    }
    for section in SECTIONS:
        entries, notes = section.entries(summary), tuple(section.notes(summary))
        if entries or notes:
            caption, corner = (text.format(**words) for text in (section.caption, section.corner))
            yield FilledSection(replace(section, caption=caption, corner=corner), entries, notes)


def costs_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show what each cell cost; empty where no process could be watched."""
    if all(cell.cpu_ms_per_request is None for cell in summary.cells if cell.measured):
        return {}
    return {cell.cell: _cost(cell) for cell in summary.cells}


def estimates_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show estimates and predictions; empty where there were none."""
    known = any(cell.measured and cell.ceiling is not None for cell in summary.cells)
    return {cell.cell: _estimate(cell) for cell in summary.cells if known}


def witnesses_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show what trials near the capacity lost; empty where there were none."""
    known = any(cell.measured and cell.witness for cell in summary.cells)
    return {cell.cell: _witness(cell) for cell in summary.cells if known}


def machine_notes(summary: Summary) -> Iterator[str]:
    """Say how much the speed of the machine varied, and what a row gives against itself."""
    if summary.speed:
        fast, slow = summary.speed
        yield (
            f"The same work cost {fast:.2f}{DASH}{slow:.2f} {TIMES} its usual CPU time during the "
            "run (the middle 90 % of all trials)."
        )
    for workload, again in summary.again.items():
        differs = again.ratio.low > 1 or again.ratio.high < 1
        verdict = "a false difference" if differs else "no difference, as it should be"
        row, ratio = again.row, ratio_text(again.ratio)
        yield f"`{workload}`: {row} sustains {ratio} as much as itself: {verdict}."


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


def _witness(cell: CellResult) -> Entry:
    if not cell.measured or not cell.witness:
        return Entry(ABSENT, style="dim")
    near = [trials for trials in cell.witness if trials.requests]
    lost = " · ".join(f"{100 * trials.lost / trials.requests:.2g}" for trials in near)
    expected = " · ".join(f"{100 * trials.expected / trials.requests:.2g}" for trials in near)
    factors = " · ".join(f"{trials.factor:.2f}" for trials in near)
    return Entry(lost, f"≈ {expected}\nat {factors}")


SECTIONS = (
    Section(
        "Costs",
        "CPU per request near the capacity; below it, memory of all processes (PSS "
        "in MiB) and p99 of the bystander",
        "cost",
        costs_of,
        detail=True,
    ),
    Section(
        "Estimates",
        "Estimated upper limit, and the resource expected to run out there; below it, predicted "
        "capacity (≈), and measured capacity as a share of the limit (above 100 %: the estimate "
        "was too low)",
        "limit",
        estimates_of,
        detail=True,
    ),
    Section(
        "Witnesses",
        "Percentage of requests lost in trials just below and just above the capacity; below it, "
        "what the estimate expects (≈), and the offered rates as multiples of the capacity",
        "% lost",
        witnesses_of,
        detail=True,
    ),
    Section(
        "What this machine can distinguish today",
        "How steady it was, and a row that was measured twice, under another name",
        notes=machine_notes,
        detail=True,
    ),
    Section(
        "Proofs",
        "Measured again with only the blamed resource relieved",
        notes=proof_notes,
        detail=True,
    ),
    Section(
        "Beyond the peak",
        "Goodput at {overloads} capacity, as a share of the peak; below it, time "
        "until the objective is met after a spike, goodput kept while workers are killed, and "
        "share of /health that the overload lost",
        "{overload}",
        beyond.peaks_of,
        beyond.overload_notes,
    ),
    Section(
        "Interference",
        "p99 (ms) of /health and of a no-op under each model, while the row's cell runs "
        "at {bystanders} of its capacity",
        "p99 in ms",
        beyond.interference_of,
        beyond.interference_notes,
    ),
    Section(
        "Surge",
        "Answers in time per second at {surges} capacity, under each admission policy, as a share "
        "of what was offered (during the surge: of the capacity); below it, p99 of right answers "
        "and what happened to most others; when the objective was met again; answers in time",
        "admission",
        surge.surges_of,
        surge.surge_notes,
    ),
    Section("Soak", "Drift under a constant load", notes=beyond.soak_notes),
)
