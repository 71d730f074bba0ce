"""Charts become pictures in a process of their own: V8, which draws them, aborts where it fails.

That process runs this file by its path, and needs none of our modules: JSON goes in and comes out,
a line for each chart.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from select import select
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = (sys.executable, "-P", __file__)
PATIENCE_S = 60.0  # for one chart, which takes a quarter of a second
STOP_S = 5.0  # to write a core file, say
FIRST = b'{"mark": "point", "data": {"values": []}}'  # loads all that the others need
MOST_ENDS = 2  # of such processes; then the cause is not the chart


class Undrawn(Exception):
    """A chart could not be drawn; the message says why."""


class Converter:
    """Turns charts into SVG, as long as it is open."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ends: list[str] = []
        with suppress(Undrawn):  # it loads while the first chart is made
            self._process = self._start()

    def svg(self, specification: Mapping[str, Any]) -> str:
        """Draw one. Raises Undrawn."""
        if len(self._ends) >= MOST_ENDS:
            raise Undrawn(self._ends[-1])
        self._process = self._process or self._start()
        try:
            said = self._ask(self._process, json.dumps(specification).encode() + b"\n")
        except (OSError, EOFError):
            self._ends.append(self._end())
            raise Undrawn(self._ends[-1]) from None
        except BaseException:
            self.close()  # half of an answer may be under way
            raise
        answer: dict[str, str] = json.loads(said)
        if "svg" not in answer:
            raise Undrawn(answer["error"])
        return answer["svg"]

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # which has nothing to lose
            _buried(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - this very file
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # the stack of V8, which tells nobody anything
                start_new_session=True,  # Ctrl-C is for the report, which then closes this
                bufsize=0,
            )
        except OSError as error:
            raise Undrawn(f"no process could be started: {error.strerror}") from None

    def _ask(self, process: subprocess.Popen[bytes], line: bytes) -> bytes:
        """Send a line and read one. Raises OSError or EOFError where the process has ended."""
        assert process.stdin is not None
        assert process.stdout is not None
        sent = 0
        while sent < len(line):
            sent += process.stdin.write(line[sent:])
        said, deadline = b"", monotonic() + PATIENCE_S
        while not said.endswith(b"\n"):
            if not select([process.stdout], [], [], max(deadline - monotonic(), 0))[0]:
                raise TimeoutError
            some = process.stdout.read(1 << 20)
            if not some:
                raise EOFError
            said += some
        return said

    def _end(self) -> str:
        """Say how the process has ended, or end it."""
        process, self._process = self._process, None
        assert process is not None
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = 0
        _buried(process)
        if not code:
            return f"drawing took more than {PATIENCE_S:.0f} s"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process that draws ended with {how}, as it does where memory is limited"


def _buried(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


def _draw(line: bytes) -> dict[str, str]:
    try:
        import vl_convert  # noqa: PLC0415 - the one that starts this process does not need it

        return {"svg": vl_convert.vegalite_to_svg(json.loads(line))}
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side tells
        return {"error": " ".join(f"{error or type(error).__name__}".split())}


def _serve() -> None:
    """Draw what comes in until nothing more does."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever else is printed here
    _draw(FIRST)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(_draw(line)).encode() + b"\n")


if __name__ == "__main__":
    _serve()
