"""The runs that are compared: what their columns are called, and which of their cells match."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loadtests.cell import Cell
from loadtests.run.file.cells import CellResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtests.run.file.lines import Run

MACHINE = ("system", "cpu", "cores", "memory_gib")


@dataclass(frozen=True, slots=True)
class Side:
    """One run: the name of its folder, how it is called beside the others, and its cells."""

    folder: str
    run: Run
    label: str = ""
    cells: Mapping[Cell, CellResult] = field(default_factory=dict)

    @property
    def pythons(self) -> dict[str, Mapping[str, Any]]:
        """Map each Python of the run, such as 3.13t, to what servers on it say of themselves."""
        environment = self.run.plan.environment
        several = environment.get("servers") or {}
        server = environment.get("server") or {}
        found = dict.fromkeys(cell.python for cell in (*self.run.plan.cells, *self.run.results))
        return {label or _label(self): several.get(label, server) for label in found}


def sides_of(runs: Sequence[tuple[str, Run]]) -> tuple[Side, ...]:
    """Call each run by what distinguishes it: its Python if nothing else does, else its folder.

    Cells match by workload and model. Their Python counts where some run measured several: else
    3.13 and 3.13t could not be compared.
    """
    sides = [Side(folder, run) for folder, run in runs]
    several = any(len(side.pythons) > 1 for side in sides)
    labels = _labels(sides, several=several)
    return tuple(
        Side(side.folder, side.run, label, _cells(side, several=several))
        for side, label in zip(sides, labels, strict=True)
    )


def _cells(side: Side, *, several: bool) -> dict[Cell, CellResult]:
    asked = dict.fromkeys((*side.run.plan.cells, *side.run.results))
    return {
        _aligned(cell, side, several=several): side.run.results.get(cell) or CellResult(cell)
        for cell in asked
    }


def _aligned(cell: Cell, side: Side, *, several: bool) -> Cell:
    return cell._replace(python=(cell.python or _label(side)) if several else "")


def _labels(sides: Sequence[Side], *, several: bool) -> list[str]:
    pythons = [next(iter(side.pythons), "") for side in sides]
    machines = [[side.run.plan.environment.get(key) for key in MACHINE] for side in sides]
    alike = all(machine == machines[0] for machine in machines)
    if alike and not several and all(pythons) and len(set(pythons)) == len(sides):
        return [f"Python {python}" for python in pythons]
    count = Counter(side.folder for side in sides)
    seen: Counter[str] = Counter()
    labels = []
    for side in sides:
        seen[side.folder] += 1
        twice = count[side.folder] > 1
        labels.append(f"{side.folder} ({seen[side.folder]})" if twice else side.folder)
    return labels


def _label(side: Side) -> str:
    """Name the only Python of a run as those of several are named: 3.13, or 3.13t."""
    environment = side.run.plan.environment
    server = environment.get("server") or {}
    version = str(server.get("python") or environment.get("python") or "")
    minor = re.match(r"\d+\.\d+", version)
    return f"{minor[0]}{'t' * bool(server.get('free_threaded_build'))}" if minor else version
