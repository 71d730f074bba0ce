"""One call in a process of its own."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any

from server.models.process_start import START_ERRORS, Shortage, starting
from server.worker import carry


class ProcessCall:
    """One pickled call in a process of its own."""

    def __init__(self, context: BaseContext, shortage: Shortage, message: bytes) -> None:
        self._context: Any = context
        self._shortage = shortage
        self._message = message
        self._process: Any = None
        self._killed = False

    def run(self) -> bytes:
        """Start the process and wait for its answer; blocks.

        Raises BrokenProcessPool if the process dies, Refused if the system allows no more.
        """
        if self._killed:
            raise BrokenProcessPool("the call was given up before its process started")
        self._shortage.check()
        ours = None
        try:
            with starting(self._context):
                ours, theirs = self._context.Pipe(duplex=False)
                process = self._context.Process(
                    target=carry.once,
                    args=(theirs, carry.environment(), self._message),
                    daemon=True,
                )
                try:
                    process.start()
                finally:
                    theirs.close()
        except START_ERRORS as error:
            if ours:
                ours.close()
            raise self._shortage.note(error) from None
        self._shortage.clear()
        self._process = process
        if self._killed:
            process.kill()
        with ours:
            try:
                answer: bytes = ours.recv_bytes()
            except (EOFError, OSError):  # the latter in the middle of an answer
                raise BrokenProcessPool("the process ended without an answer") from None
            finally:
                process.join()
        return answer

    def kill(self) -> None:
        """Kill the process, now or as soon as it has started; may be called from any thread."""
        self._killed = True
        if self._process:
            self._process.kill()
