"""The run file: what a survival run appends line by line, and reads back.

A line counts once its newline is there: readers never see half of one, and a run that was
interrupted while it wrote resumes as if that line had never begun.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

from loadtests.cell import Cell
from loadtests.errors import RunFileError
from loadtests.run.file.beyond_lines import with_line
from loadtests.run.file.combine import with_part, with_proof, with_search
from loadtests.run.file.lines import Line, Run, end_of, plan_of, result_of, trial_of
from loadtests.run.file.places import FILE_NAME, run_file
from loadtests.run.file.sittings import begun_again, gone_on
from loadtests.slo import Slo

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


SCHEMA = 1
Begun = Literal["run", "resumed", "cell-start", "prediction"]
Survived = Literal["trial", "cell", "proof-trial", "proof", "beyond", "end"]
Surged = Literal["capacity", "policy-start", "policy"]
Kind = Begun | Survived | Surged


class RunFile:
    """A run file to append to; opening it drops a last line that was never finished."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            content = path.read_bytes()
            complete = content.rfind(b"\n") + 1
            if complete < len(content):
                os.truncate(path, complete)
        self._file = path.open("ab")

    def append(self, kind: Kind, /, **fields: object) -> None:
        """Write one line and flush it. Infinite and undefined numbers become null."""
        head = {"line": kind} | ({"schema": SCHEMA} if kind == "run" else {})
        text = json.dumps(_finite(head | fields), allow_nan=False)
        self._file.write(text.encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Tail:
    """Follow a run file that another process writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._number = 0

    def read(self) -> list[Line]:
        """Return the lines completed since the last call; none while there is no file."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:
            return []
        complete = content[: content.rfind(b"\n") + 1]
        self._offset += len(complete)
        lines = []
        for text in complete.split(b"\n")[:-1]:
            self._number += 1
            lines.append(_parse(text, f"{self._path}, line {self._number}"))
        return lines


def read(path: Path) -> Run:
    """Read a run file, or the one in a folder; the last line about a cell counts."""
    file = run_file(path)
    lines = Tail(file).read()
    if not lines or lines[0]["line"] != "run":
        raise RunFileError(
            f"{file} does not begin with a complete 'run' line, so it is no run file, or its run "
            "ended before it measured anything; run `scripts/survive` again"
        )
    run = with_next(None, lines[0], f"{file}, line 1")
    cells = [(n, one) for n, one in enumerate(lines, start=1) if one["line"] == "cell"]
    last = {tuple(map(one.get, Cell._fields)): n for n, one in cells}.values()
    for number, line in enumerate(lines[1:], start=2):
        part = line["line"] == "cell" and number not in last
        run = with_next(run, line, f"{file}, line {number}", "part" if part else "")
    return run


def with_next(run: Run | None, line: Line, place: str = FILE_NAME, kind: str = "") -> Run:
    """Take in the next line of a run file; its first one, the `run` line, begins it."""
    try:
        if run is None or line["line"] == "run":
            plan = plan_of(_of_our_schema(line, place))
            Slo.parse(plan.slo)
            return replace(run, plan=plan, end=None) if run else Run(plan)
        take = _TAKEN.get(kind or line["line"])
        return take(run, line) if take else run
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFileError(
            f"{place}: this {line['line']!r} line lacks something ({error}); "
            "it was written by another version of loadbearing, or changed by hand"
        ) from error


def _searched(run: Run, line: Line) -> Run:
    return replace(run, results=with_search(run.results, result_of(line), run.plan))


# What a reader makes of each kind of line; of others, nothing.
_TAKEN: dict[str, Callable[[Run, Line], Run]] = {
    "resumed": gone_on,
    "cell-start": begun_again,
    "trial": lambda run, line: replace(run, trials=(*run.trials, trial_of(line))),
    "cell": _searched,
    "part": lambda run, line: replace(run, results=with_part(run.results, result_of(line))),
    "proof": lambda run, line: replace(run, results=with_proof(run.results, line)),
    "beyond": lambda run, line: replace(run, beyond=with_line(run.beyond, line)),
    "end": lambda run, line: replace(run, end=end_of(line)),
}


def _of_our_schema(line: Line, place: str) -> Line:
    if line.get("schema") != SCHEMA:
        raise RunFileError(
            f"{place}: the run file has schema {line.get('schema')!r}, but this version of "
            f"loadbearing reads schema {SCHEMA}; read it with the version that wrote it "
            f"({line.get('environment', {}).get('version') or 'unknown'}), or run it again"
        )
    return line


def _parse(text: bytes, place: str) -> Line:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict) or "line" not in line:
        raise RunFileError(
            f"{place}: this is no line of a run file; delete it, or take the file from a backup"
        )
    return line


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
