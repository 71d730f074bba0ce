"""Copy a run into the repository: every line, with fewer digits, and no path of its machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from loadtests.errors import RunFileError
from loadtests.run.file.lines import Line
from loadtests.run.file.run_file import FILE_NAME, Tail, run_file
from loadtests.system.files import put

DIGITS = 6
# The line of its cell has the evidence; only a run that goes on needs what was simulated.
LEFT_OUT = {"trial": {"evidence", "sample"}, "proof-trial": {"evidence", "sample"}}
PATHS = {"executable", "name"}  # of an interpreter; the name is what the user typed
PLACES = re.compile(
    r"(?<![\w.:/])(?:/(?:home|root|tmp|work|mnt|opt|srv|usr|var|private|Users)/|~/)"
)


def keep(folder: Path, to: Path) -> None:
    """Copy the run file of a folder to another one, with fewer digits.

    Raises RunFileError if the run is not finished, or contains paths of its machine.
    """
    lines = Tail(run_file(folder)).read()
    if not lines or lines[0]["line"] != "run" or lines[-1]["line"] != "end":
        raise RunFileError(f"{folder} contains no finished run; finish it, or name another one")
    text = "".join(_written(line) for line in _without_machine(lines))
    if path := PLACES.search(text):
        around = text[path.start() : path.start() + 60]
        raise RunFileError(f"{folder} contains a path of this machine, {around!r}: remove it first")
    to.mkdir(parents=True, exist_ok=True)
    put(to / FILE_NAME, text)


def _without_machine(lines: list[Line]) -> Iterator[Line]:
    for line in lines:
        kept = {k: v for k, v in line.items() if k not in LEFT_OUT.get(line["line"], ())}
        if "arguments" in kept:
            paths = kept["arguments"].get("server_python") or ()
            pythons = [PurePath(path).name for path in paths]
            kept["arguments"] = {**kept["arguments"], "server_python": pythons}
        if "options" in kept:
            kept["options"] = _without_places(kept["options"])
        yield kept


def _without_places(options: Line) -> Line:
    """Reduce the interpreters of the servers to their names."""
    servers = options.get("servers") or {}
    pythons = [
        {**python, **{key: PurePath(python[key]).name for key in PATHS & python.keys()}}
        for python in servers.get("pythons") or ()
    ]
    return {**options, "servers": {**servers, "pythons": pythons}} if pythons else options


def _written(line: Line) -> str:
    return json.dumps(_brief(line), separators=(",", ":"), ensure_ascii=False) + "\n"


def _brief(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {name: _brief(item) for name, item in value.items()}
    return [_brief(item) for item in value] if isinstance(value, list) else value
