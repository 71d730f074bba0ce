"""Altair charts become SVG in a separate process, because V8, which draws them, may abort it.

JSON goes in and comes out, a line for each chart.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

from loadtests.errors import Undrawn
from loadtests.system.child import child

COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("v8.py")))
PATIENCE_S = 60.0  # for one chart, which takes a quarter of a second
STOP_S = 5.0  # e.g. to write a core file
MOST_ENDS = 2  # of such processes; then the cause is not the chart


class Converter:
    """Turns charts into SVG until it is closed."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._ends: list[str] = []
        with suppress(Undrawn):  # it loads while the first chart is prepared
            self._process = self._start()

    def svg(self, specification: Mapping[str, Any]) -> str:
        """Draw a chart. Raises Undrawn."""
        if len(self._ends) >= MOST_ENDS:
            raise Undrawn(self._ends[-1])
        self._process = self._process or self._start()
        try:
            reply = self._ask(self._process, json.dumps(specification).encode() + b"\n")
        except (OSError, EOFError):
            self._ends.append(self._end())
            raise Undrawn(self._ends[-1]) from None
        except BaseException:
            self.close()  # half a reply may be in the pipe
            raise
        result: dict[str, str] = json.loads(reply)
        if "svg" not in result:
            raise Undrawn(result["error"])
        return result["svg"]

    def close(self) -> None:
        self._process = None
        self._running.close()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return self._running.enter_context(
                child(
                    COMMAND,
                    stop_s=0,  # it has nothing to lose
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,  # V8's stack trace, of no use to anyone
                    start_new_session=True,  # Ctrl-C is for the report, which then closes this
                    bufsize=0,
                )
            )
        except OSError as error:
            raise Undrawn(f"no process could be started: {error.strerror}") from None

    def _ask(self, process: subprocess.Popen[bytes], line: bytes) -> bytes:
        """Send a line and read one. Raises OSError or EOFError if the process has ended."""
        assert process.stdin is not None
        assert process.stdout is not None
        sent = 0
        while sent < len(line):
            sent += process.stdin.write(line[sent:])
        reply, deadline = b"", monotonic() + PATIENCE_S
        while not reply.endswith(b"\n"):
            if not select([process.stdout], [], [], max(deadline - monotonic(), 0))[0]:
                raise TimeoutError
            part = process.stdout.read(1 << 20)
            if not part:
                raise EOFError
            reply += part
        return reply

    def _end(self) -> str:
        """Say how the process has ended, or end it."""
        assert self._process is not None
        code = 0
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(STOP_S)
        self.close()
        if not code:
            return f"drawing took more than {PATIENCE_S:.0f} s"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the drawing process ended with {how}, which is usual where memory is limited"
