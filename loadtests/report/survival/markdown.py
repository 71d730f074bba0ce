"""A run as Markdown: what one pastes into an issue, a review or a results page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.machine.environment import describe
from loadtests.report.survival.beyond import STARVED, peaks_of, sentences, starved_of
from loadtests.report.survival.beyond import TITLE as BEYOND
from loadtests.report.survival.costs import TITLE, costs_of
from loadtests.report.survival.foresight import TITLE as FORESIGHT
from loadtests.report.survival.foresight import foresight_of, proofs
from loadtests.report.survival.matrix import BEST, Entry, entry_of
from loadtests.report.verdicts import leaders
from loadtests.report.wording import AT_LEAST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loadtests.cell import Cell
    from loadtests.report.summary import Summary


def markdown(summary: Summary) -> str:
    """Return the content of `summary.md`."""
    best = leaders(summary.cells, summary.slo)
    entries = {cell.cell: entry_of(cell, best=cell.cell in best) for cell in summary.cells}
    parts = [
        f"# Requests per second borne within `{summary.slo}`",
        f"{describe(summary.environment)}; {summary.mode} run, started {summary.started}.",
        "\n".join(_table(entries)),
        "\n".join(_notes(entries)),
        "\n".join(f"- {said}" for verdict in summary.verdicts for said in verdict.said),
        *_titled(TITLE, costs_of(summary)),
        *_titled(FORESIGHT, foresight_of(summary)),
        *_titled(BEYOND, peaks_of(summary)),
        *_titled(STARVED, starved_of(summary), "load"),
        "\n".join(f"- {said}" for said in (*sentences(summary), *proofs(summary))),
        _warnings(summary.warnings),
        f"Made with:\n\n```sh\n{summary.command}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _titled(title: str, entries: Mapping[Cell, Entry], corner: str = "model") -> Iterable[str]:
    if entries:
        yield f"{title}:"
        yield "\n".join(_table(entries, corner))
        yield "\n".join(_notes(entries))


def _table(entries: Mapping[Cell, Entry], corner: str = "model") -> Iterable[str]:
    workloads = list(dict.fromkeys(cell.workload for cell in entries))
    yield table_row([corner, *workloads])
    yield table_row(["---"] * (len(workloads) + 1))
    for one in {cell.row: cell for cell in entries}.values():
        found = (entries.get(one._replace(workload=workload)) for workload in workloads)
        yield table_row([one.row, *(_shown(entry, entries) for entry in found)])


def _shown(entry: Entry | None, entries: Mapping[Cell, Entry]) -> str:
    if entry is None:
        return ""
    figure = f"**{BEST} {entry.figure}**" if entry.best else entry.figure
    small = f"<br><sub>{plain(entry.small).replace(chr(10), '<br>')}</sub>" if entry.small else ""
    note = f"<sup>{_reasons(entries).index(entry.note) + 1}</sup>" if entry.note else ""
    return f"{figure}{note}{small}"


def _notes(entries: Mapping[Cell, Entry]) -> Iterable[str]:
    if any(entry.best for entry in entries.values()):
        yield f"{BEST} best, or not to be told from it; small print: what broke it.\n"
    if any(entry.figure.startswith("≥") for entry in entries.values()):
        yield f"≥ {AT_LEAST}.\n"
    for number, reason in enumerate(_reasons(entries), start=1):
        yield f"<sup>{number}</sup> {plain(reason)}<br>"


def _reasons(entries: Mapping[Cell, Entry]) -> list[str]:
    return list(dict.fromkeys(entry.note for entry in entries.values() if entry.note))


def _warnings(warnings: Iterable[str]) -> str:
    lines = [f"- {warning}" for warning in warnings]
    return "\n".join(["**Warnings**", "", *lines]) if lines else ""


def table_row(fields: Iterable[str]) -> str:
    """Write a row of a table."""
    return (
        "| " + " | ".join(field.replace("|", "\\|").replace("\n", " ") for field in fields) + " |"
    )


def plain(text: str) -> str:
    """Keep what looks like a tag from being one."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
