"""What a run file holds already, when a run that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.beyond.kinds import chosen
from loadtests.records import Cell, Line, ResultsError, cell_of
from loadtests.results import FILE_NAME, Tail

SAME = ("slo", "mode", "seed", "searches", "arguments", "cells")  # or it is another run
PROOF = "proof"  # among the kinds of trials that come after the searches of a cell
MAY_DIFFER = {"budget", "generators", "prove", "beyond"}  # more of the same


@dataclass(frozen=True, slots=True)
class History:
    """The first line of a run, the searches that have ended with a result, and its last moment."""

    first: Line | None = None
    searched: Mapping[tuple[Cell, int], Line] = field(default_factory=dict)
    after: frozenset[tuple[Cell, str]] = frozenset()
    at: float = 0.0

    @classmethod
    def of(cls, folder: Path) -> History:
        """Read a folder, in which there may be no run yet."""
        lines = Tail(folder / FILE_NAME).read()
        if not lines or lines[0]["line"] != "run":
            return cls()
        return cls(
            first=lines[0],
            searched={
                (cell_of(line), line.get("search", 0)): line
                for line in lines
                if line["line"] == "cell" and not line.get("error")
            },
            after=frozenset(
                (cell_of(line), line.get("kind", PROOF))
                for line in lines
                if line["line"] in {"beyond", "proof"}
            ),
            at=max(line.get("at") or 0.0 for line in lines),
        )

    def owed(self) -> set[tuple[Cell, str]]:
        """Name what was to come after the searches of each cell, and has not."""
        if self.first is None:
            return set()
        arguments, mode = self.first.get("arguments") or {}, str(self.first.get("mode"))
        kinds = set(chosen(arguments.get("beyond") or (), mode))
        kinds |= {PROOF} if arguments.get("prove") else set()
        measured = {cell for (cell, _), line in self.searched.items() if "held" in line}
        return {(cell, kind) for cell in measured for kind in kinds} - self.after

    def check(self, plan: Mapping[str, Any], folder: Path) -> None:
        """Raise ResultsError where the run that is asked for is not the one that was begun."""
        if self.first is None:
            return
        different = [key for key in SAME if _asked(plan.get(key)) != _asked(self.first.get(key))]
        if different:
            raise ResultsError(
                f"{folder} holds an unfinished run with other {', '.join(different)}; repeat its "
                "command to finish it, or name another folder with --output"
            )


def unfinished(folder: Path) -> bool:
    """Whether the run in a folder lacks a search, a proof or a trial that it was asked for."""
    found = History.of(folder)
    if found.first is None:
        return True
    if "cells" not in found.first:
        return False  # a surge is over in a minute: it is not resumed
    wanted = len(found.first["cells"]) * int(found.first.get("searches", 1))
    return len(found.searched) < wanted or bool(found.owed())


def reopen(path: Path) -> None:
    """Take off the line that ended a run: it goes on."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    if whole and whole[-1].startswith(b'{"line": "end"'):
        path.write_bytes(b"".join(whole[:-1]))


def _asked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: each for name, each in value.items() if name not in MAY_DIFFER and each}
    return value
