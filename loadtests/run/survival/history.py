"""What a run file holds already, when a run that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.cell import Cell
from loadtests.errors import RunFileError
from loadtests.run.file.lines import Line, cell_of
from loadtests.run.file.run_file import FILE_NAME, SCHEMA, Tail
from loadtests.run.survival.agenda import PROOF, Agenda
from loadtests.run.survival.request import different
from loadtests.system.program import script

ANOTHER = "name another folder with --output"


@dataclass(frozen=True, slots=True)
class History:
    """What a run was begun with, the searches that have ended with a result, its last moment."""

    begun: Line | None = None
    searched: Mapping[tuple[Cell, int], Line] = field(default_factory=dict)
    after: frozenset[tuple[Cell, str]] = frozenset()
    at: float = 0.0

    @classmethod
    def of(cls, folder: Path) -> History:
        """Read a folder, in which there may be no run yet."""
        lines = Tail(folder / FILE_NAME).read()
        if not lines:
            return cls()
        _ours(folder, lines[0])
        return cls(
            begun=_begun(lines),
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

    def check(self, asked: Mapping[str, Any], folder: Path) -> None:
        """Raise RunFileError where the run that is asked for is not the one that was begun."""
        if self.begun is None:
            return
        if names := list(different(self.begun, asked)):
            raise RunFileError(
                f"{folder} holds a run that was begun with {', '.join(names)}; "
                f"repeat its command to go on with it, or {ANOTHER}"
            )


def resumable(folder: Path, asked: Mapping[str, Any]) -> None:
    """Raise RunFileError where the run in a folder is another one, or lacks nothing of this."""
    History.of(folder).check(asked, folder)
    agenda = Agenda()
    for line in Tail(folder / FILE_NAME).read():
        agenda.update(line)
    agenda.update({"line": "resumed", **asked})
    if agenda.plan and not agenda.left:
        raise RunFileError(
            f"{folder} holds a run already, and it lacks nothing; {ANOTHER}, show it ("
            f"{script('report')} {folder}), or add to it: --searches, --prove, --beyond"
        )


def _ours(folder: Path, first: Line) -> None:
    """Raise RunFileError for anything but a run of ours that can be resumed."""
    if first["line"] != "run" or first.get("schema") != SCHEMA or "cells" not in first:
        raise RunFileError(f"{folder} holds a run already that cannot be resumed; {ANOTHER}")


def _begun(lines: Iterable[Line]) -> Line:
    """Return the first line, with what was added to the run since."""
    begun: dict[str, Any] = {}
    for line in lines:
        if line["line"] in {"run", "resumed"}:
            begun |= line
    return begun
