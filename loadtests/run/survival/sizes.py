"""Search the size of a model's pool: which rows to measure next, beside those that a run has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from loadtests.capacity.sizing import BOUNDS, knee, next_sizes
from loadtests.cell import Cell, Variation
from loadtests.run.file.cells import CellResult, Standing
from loadtests.run.file.lines import result_of
from loadtests.run.options import Options
from loadtests.run.sizes import Series, series_of
from loadtests.run.survival.agenda import Agenda


def wanted(
    options: Options, agenda: Agenda, variations: Mapping[str, Variation], workload: str
) -> Iterator[tuple[Cell, Variation]]:
    """Yield the cells of a workload that would show the size to use; none once it is known.

    Several options are searched in turn, each with the best of those before it.
    """
    cells = [result_of(line) for line in agenda.results(workload)]
    standing = agenda.standing(workload)
    first, *others = options.size
    planned = agenda.plan.cells[0].variant if agenda.plan else ""
    begun = variations.get(planned, Variation()).options
    for series in series_of(cells, variations, first):
        options_of = series.others.options
        if all(options_of.get(name) == begun.get(name) for name in others):
            yield from _next(series, others, cells, variations, standing, agenda)


def _next(  # noqa: PLR0913, PLR0917 - what is known, and what is to be
    series: Series,
    others: list[str],
    cells: list[CellResult],
    variations: Mapping[str, Variation],
    standing: Standing,
    agenda: Agenda,
) -> Iterator[tuple[Cell, Variation]]:
    sizes = series.sizes(standing)
    some = next(iter(series.results.values()))
    line = agenda.result(some.cell) or {}
    order = tuple(variations[some.variant].options)
    least, most = _bounds(line, series.option)
    more = {}
    for size in next_sizes(sizes, least, most, _expected(series, agenda)):
        variation = _sized(series.others, series.option, size, order)
        if variation.label not in {cell.variant for cell in cells if cell.model == series.model}:
            more[Cell(some.workload, series.model, variation.label)] = variation
    yield from more.items()
    best = knee(sizes)
    if more or best is None or not others:
        return
    rest = {name: value for name, value in series.others.options.items() if name != others[0]}
    base = _sized(replace(series.others, options=rest), series.option, best, order)
    following = [
        other
        for other in series_of(cells, variations, others[0])
        if other.model == series.model and other.others == base
    ]
    if following:
        yield from _next(following[0], others[1:], cells, variations, standing, agenda)
        return
    least, most = _bounds(line, others[0])
    for size in sorted({max(least, 1), min(2 * max(least, 1), most), min(4 * max(least, 1), most)}):
        variation = _sized(base, others[0], size, order)
        yield Cell(some.workload, series.model, variation.label), variation


def _sized(others: Variation, option: str, size: int, order: Iterable[str]) -> Variation:
    """Add a size, in the order in which other rows name their options: it makes the label."""
    options = {**others.options, option: str(size)}
    return replace(
        others, options={name: options[name] for name in (*order, *options) if name in options}
    )


def _bounds(line: Mapping[str, Any], option: str) -> tuple[int, int]:
    known = ((line.get("settings") or {}).get("options") or {}).get(option) or {}
    least, most = known.get("minimum"), known.get("maximum")
    return int(least or BOUNDS[0]), int(most or BOUNDS[1])


def _expected(series: Series, agenda: Agenda) -> float | None:
    """Return the size at which another resource would run out before the slots of the largest."""
    size, cell = max(series.results.items())
    limits = dict((agenda.result(cell.cell) or {}).get("limits") or {})
    slots = limits.pop("slots", None)
    return size * min(limits.values()) / slots if slots and limits else None
