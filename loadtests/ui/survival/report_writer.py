"""Write the report of a search in another process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from loadtests.paths import ROOT
from loadtests.system.child import child
from loadtests.system.program import script

PATIENCE_S = 120.0
STOP_S = 5.0


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
        stderr = b""
        with child(
            [sys.executable, "-m", "loadtests", "report", str(folder)],
            stop_s=STOP_S,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            self._process = process
            with suppress(subprocess.TimeoutExpired):
                _, stderr = process.communicate(timeout=PATIENCE_S)
        if not process.returncode:
            return ""
        last = stderr.decode(errors="replace").strip().splitlines()[-1:]
        why = f" ({last[0]})" if last else ""
        return f"the report could not be written{why}; try {again}"

    def close(self) -> None:
        """Write no more reports, and stop the current one."""
        self._closed = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
