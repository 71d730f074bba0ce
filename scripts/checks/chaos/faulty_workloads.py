"""Workloads that never end, end their process, or record that they ran; and where they do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Annotated

from annotated_types import Interval, Unit

from server.workloads import workload

WORKLOADS = __file__  # the server loads it by its path
MARKS = "LOADBEARING_MARKS"  # workers inherit variables with this prefix


@workload(kind="cpu")
def spin(seconds: Annotated[int, Interval(ge=1, le=3600), Unit("s")] = 3600) -> None:
    """Write the process id, then compute for `seconds`: by default, practically for ever."""
    Path(os.environ[MARKS]).write_text(str(os.getpid()))
    end = monotonic() + seconds
    while monotonic() < end:
        pass


@workload(kind="cpu")
def mark() -> None:
    """Append a mark, then compute for a few milliseconds."""
    with Path(os.environ[MARKS]).open("ab", buffering=0) as marks:
        marks.write(b".")
    end = monotonic() + 0.005
    while monotonic() < end:
        pass


@workload(kind="cpu")
def crash() -> None:
    """End the process, as a segmentation fault would."""
    os._exit(1)


@workload(kind="cpu")
def stay() -> None:
    """Do nothing; under `hybrid` too, in a process."""


@contextmanager
def own_folder() -> Iterator[tuple[Path, Path]]:
    """Redirect the temporary files of servers; yields their folder, and the file for marks."""
    with tempfile.TemporaryDirectory() as folder:
        temporary, marks = Path(folder, "temporary"), Path(folder, "marks")
        temporary.mkdir()
        marks.touch()
        before = dict(os.environ)
        os.environ.update({"TMPDIR": str(temporary), MARKS: str(marks)})
        try:
            yield temporary, marks
        finally:
            os.environ.clear()
            os.environ.update(before)
