"""The run file: append lines to it, follow it while it grows, find it.

A line counts once its newline is written: readers never see half of one, and a run that was
interrupted while it wrote resumes as if that line had never been begun.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

from loadtests.errors import RunFileError
from loadtests.foreign import read_json
from loadtests.run.file.lines import Line, encode

FILE_NAME = "run.jsonl"
NAMED = f"name the folder of a run, which contains {FILE_NAME}, e.g. results/latest"
SCHEMA = 2
Begun = Literal["run", "resumed", "workload-start", "variation", "prediction"]
Survived = Literal["trial", "standing", "cell", "proof-trial", "proof", "autopsy", "beyond", "end"]
Kind = Begun | Survived


class RunFile:
    """A run file to append to; opening it drops an unfinished last line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            content = path.read_bytes()
            complete = content.rfind(b"\n") + 1
            if complete < len(content):
                os.truncate(path, complete)
        self._path = path
        self._file = path.open("ab")

    def append(self, kind: Kind, /, **fields: object) -> None:
        """Write one line and flush it. Infinite and undefined numbers become null.

        Raises RunFileError if the system does not take it.
        """
        head = {"line": kind} | ({"schema": SCHEMA} if kind == "run" else {})
        text = json.dumps(encode(head | fields), allow_nan=False)
        try:
            self._file.write(text.encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise RunFileError(
                f"{self._path} cannot be written ({error.strerror}); make room for it"
            ) from None

    def close(self) -> None:
        with suppress(OSError):  # which `append` has reported
            self._file.close()


class Tail:
    """Follow a run file that another process writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._number = 0

    def read(self) -> list[Line]:
        """Return the lines completed since the last call; none before the file exists."""
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


def _parse(text: bytes, place: str) -> Line:
    try:
        line = read_json(text)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict) or "line" not in line:
        raise RunFileError(
            f"{place}: not a line of a run file; delete it, or restore the file from a backup"
        )
    return line


def run_file(path: Path) -> Path:
    """Return the run file of a folder, or the one that `path` is.

    Raises RunFileError where there is none.
    """
    if path.is_dir():
        if (path / FILE_NAME).is_file():
            return path / FILE_NAME
        inside = sorted(file.parent.name for file in path.glob(f"*/{FILE_NAME}"))
        advice = f"name one of the runs below it, e.g. {path / inside[-1]}" if inside else NAMED
        raise RunFileError(f"{path} does not contain a run ({FILE_NAME}); {advice}")
    if path.is_file() and path.suffix == Path(FILE_NAME).suffix:
        return path
    if path.exists():
        raise RunFileError(f"{path} is not a folder; {NAMED}")
    raise RunFileError(f"{path} does not exist; {NAMED}")
