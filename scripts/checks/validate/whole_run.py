"""Whole runs of `scripts/survive`, for cases that check results and not single loads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtests.paths import ROOT
from loadtests.system.child import tied
from scripts.checks.validate.load import Unanswered

NO_RESULT = 3  # the exit code of a run whose file says why


@contextmanager
def survival(*words: str) -> Iterator[Path]:
    """Run the usual command, and yield the folder of its results. Raises Unanswered if it fails."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "loadtests", "survive", "--beyond", "none"]
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, *words, "--output", folder],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True, text=True, check=False, preexec_fn=tied(),
        )  # fmt: skip
        if done.returncode not in {0, NO_RESULT}:
            raise Unanswered(f"the run ended with {done.returncode}: {done.stderr.strip()}")
        yield Path(folder)
