"""A folder for the temporary files of a server, and one for the marks of its workloads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.checks.chaos.faulty_workloads import MARKS


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
