"""Runs side by side: matching cells are compared by ratios to the first run, at equal speed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loadtests.cell import Cell, Variation
from loadtests.report.compare.ratio import Ratio, ratio_of
from loadtests.report.compare.speed import NEGLIGIBLE, Speed, share_of, speed_of
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Plan, Run
from loadtests.wording import listing

MACHINE = ("system", "cpu", "cores", "memory_gib")


@dataclass(frozen=True, slots=True)
class Side:
    """A run: the name of its folder, its label beside the other runs, and its cells."""

    folder: str
    run: Run
    label: str = ""
    cells: Mapping[Cell, CellResult] = field(default_factory=dict)

    @property
    def pythons(self) -> dict[str, Mapping[str, Any]]:
        """Map each Python of the run, e.g. 3.13t, to what its servers report about themselves."""
        environment = self.run.plan.environment
        servers = environment.get("servers") or {}
        server = environment.get("server") or {}
        cells = (*self.run.plan.cells, *self.run.results)
        labels = dict.fromkeys(_variation(self.run, cell).python for cell in cells)
        return {label or _only_python(self): servers.get(label, server) for label in labels}


@dataclass(frozen=True, slots=True)
class Match:
    """A cell in one of the later runs; without `ratio` if there is nothing to compare."""

    result: CellResult | None
    ratio: Ratio | None = None


@dataclass(frozen=True, slots=True)
class CellRow:
    """A cell in the first run, and in each of the later ones, in their order."""

    cell: Cell
    first: CellResult | None
    later: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs, of which the first is the baseline.

    `speeds` are those of the machine in the later runs, in their order. A cell is a regression if
    its capacity is lower by more than the share `tolerance`.
    """

    sides: tuple[Side, ...]
    rows: tuple[CellRow, ...]
    speeds: tuple[Speed, ...]
    tolerance: float = 0.0

    @property
    def first(self) -> Side:
        return self.sides[0]

    @property
    def later(self) -> tuple[Side, ...]:
        return self.sides[1:]

    @property
    def shown(self) -> tuple[CellRow, ...]:
        """Leave out the cells that no run measured."""
        return tuple(
            row
            for row in self.rows
            if any(cell and cell.measured for cell in (row.first, *(m.result for m in row.later)))
        )

    def ratios(self, number: int) -> list[Ratio]:
        """Return the cells that can be compared in the later run of this number, from 0."""
        return [ratio for row in self.rows if (ratio := row.later[number].ratio)]

    def undecided(self, number: int) -> list[Cell]:
        """Return the cells that both runs measured, but at speeds that cannot be compared."""
        return [
            row.cell
            for row in self.rows
            if not row.later[number].ratio
            and all(cell and cell.measured for cell in (row.first, row.later[number].result))
        ]

    def regressed(self, ratio: Ratio) -> bool:
        return ratio.high < 1 - self.tolerance

    @property
    def regressions(self) -> int:
        """Count the cells of later runs that certainly sustain less than in the first."""
        return sum(
            self.regressed(ratio)
            for number in range(len(self.later))
            for ratio in self.ratios(number)
        )


def compare(runs: Sequence[tuple[str, Run]], tolerance: float = 0.0) -> Comparison:
    """Compare runs, each with the name of its folder, with the first of them."""
    sides = _sides(runs)
    first, *later = sides
    requested = dict.fromkeys(cell for side in sides for cell in side.cells)
    workloads = list(dict.fromkeys(cell.workload for cell in requested))
    pairs = [_pairs(first, side) for side in later]
    speeds = tuple(
        speed_of(pair for cell, pair in known.items() if _same_work(cell.workload, first, side))
        for known, side in zip(pairs, later, strict=True)
    )
    comparable = [
        {
            cell: pair
            for cell, pair in known.items()
            if not speed.doubt or share_of(*pair) <= NEGLIGIBLE
        }
        for known, speed in zip(pairs, speeds, strict=True)
    ]
    together = sum(map(len, comparable))
    rows = tuple(
        CellRow(
            cell,
            first.cells.get(cell),
            tuple(
                Match(
                    side.cells.get(cell),
                    ratio_of(cell, *known[cell], speed, together) if cell in known else None,
                )
                for side, speed, known in zip(later, speeds, comparable, strict=True)
            ),
        )
        for cell in sorted(requested, key=lambda cell: workloads.index(cell.workload))
    )
    return Comparison(sides, rows, speeds, tolerance)


def parameters(plan: Plan, workload: str) -> str:
    """Return the parameters with which the workload ran, as text."""
    given = plan.arguments.get("param") or ()
    return listing(sorted(text for text in given if text.startswith(f"{workload}."))) or "defaults"


def _same_work(workload: str, first: Side, later: Side) -> bool:
    return parameters(first.run.plan, workload) == parameters(later.run.plan, workload)


def _pairs(first: Side, later: Side) -> dict[Cell, tuple[CellResult, CellResult]]:
    """Return the results of the cells that both runs measured."""
    return {
        cell: (before, after)
        for cell, before in first.cells.items()
        if before.measured and (after := later.cells.get(cell)) and after.measured
    }


def _sides(runs: Sequence[tuple[str, Run]]) -> tuple[Side, ...]:
    """Label each run by its Python if nothing else differs, otherwise by its folder.

    Cells match by workload and model. Their Python counts only if some run measured several:
    otherwise 3.13 and 3.13t could not be compared.
    """
    sides = [Side(folder, run) for folder, run in runs]
    several = any(len(side.pythons) > 1 for side in sides)
    labels = _labels(sides, several=several)
    return tuple(
        Side(side.folder, side.run, label, _cells(side, several=several))
        for side, label in zip(sides, labels, strict=True)
    )


def _cells(side: Side, *, several: bool) -> dict[Cell, CellResult]:
    requested = dict.fromkeys((*side.run.plan.cells, *side.run.results))
    return {
        cell._replace(variant=_label(side, cell, several=several)): (
            side.run.results.get(cell) or CellResult(*cell)
        )
        for cell in requested
    }


def _label(side: Side, cell: Cell, *, several: bool) -> str:
    """Return the variant of a cell, with its Python only where there are several."""
    known = _variation(side.run, cell)
    python = (known.python or _only_python(side)) if several else ""
    return replace(known, python=python).label


def _variation(run: Run, cell: Cell) -> Variation:
    return run.plan.variations.get(cell.variant, Variation())


def _labels(sides: Sequence[Side], *, several: bool) -> list[str]:
    pythons = [next(iter(side.pythons), "") for side in sides]
    machines = [[side.run.plan.environment.get(key) for key in MACHINE] for side in sides]
    alike = all(machine == machines[0] for machine in machines)
    if alike and not several and all(pythons) and len(set(pythons)) == len(sides):
        return [f"Python {python}" for python in pythons]
    names = [side.folder for side in sides]
    return [
        f"{name} ({names[: place + 1].count(name)})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def _only_python(side: Side) -> str:
    """Name the only Python of a run as in runs with several: 3.13, or 3.13t."""
    environment = side.run.plan.environment
    server = environment.get("server") or {}
    version = str(server.get("python") or environment.get("python") or "")
    minor = re.match(r"\d+\.\d+", version)
    return f"{minor[0]}{'t' * bool(server.get('free_threaded_build'))}" if minor else version
