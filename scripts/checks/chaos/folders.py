"""Folders for what servers leave behind: temporary files, and the marks of workloads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from scripts.checks.chaos.misbehaving import MARKS


@contextmanager
def own_folder() -> Iterator[tuple[Path, Path]]:
    """Have servers put what is temporary into a folder of its own; gives it, and that for marks."""
    with tempfile.TemporaryDirectory() as folder:
        temporary, marks = Path(folder, "temporary"), Path(folder, "marks")
        temporary.mkdir()
        marks.touch()
        with patch.dict(os.environ, {"TMPDIR": str(temporary), MARKS: str(marks)}):
            yield temporary, marks
