"""Write the report of a search in another process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from loadtests.paths import ROOT
from loadtests.system.child import tied
from loadtests.system.program import script

PATIENCE_S = 120.0


class Writer:
    """Writes reports until it is closed; under gevent, only the caller waits."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def write(self, folder: Path) -> str:
        """Write all files of a run; returns the error, or an empty string."""
        again = f"{script('report')} {folder}"
        if self._closed:
            return f"no report was written; to write it: {again}"
        self._process = process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "loadtests", "report", str(folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=tied(),
        )
        stderr = b""
        try:
            _, stderr = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        if not process.returncode:
            return ""
        line = stderr.decode(errors="replace").strip().splitlines()[-1:]
        why = f" ({line[0]})" if line else ""
        return f"the report could not be written{why}; try {again}"

    def close(self) -> None:
        """Write no more reports, and stop the current one."""
        self._closed = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
