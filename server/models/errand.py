"""One call in a process of its own."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from typing import Any

from server.models.process_start import START_ERRORS, Shortage, context, starting
from server.settings import Settings
from server.worker import carry


class Errand:
    """One pickled call in a process of its own."""

    def __init__(self, settings: Settings, shortage: Shortage, message: bytes) -> None:
        self._settings = settings
        self._shortage = shortage
        self._message = message
        self._process: Any = None
        self._given_up = False

    def run(self) -> bytes:
        """Start the process and wait for its answer.

        Raises BrokenProcessPool if it dies, Refused if the system grants none.
        """
        if self._given_up:
            raise BrokenProcessPool("nobody waits for it")
        self._shortage.check()
        ours = None
        try:
            made: Any = context(self._settings)
            with starting(self._settings):
                ours, theirs = made.Pipe(duplex=False)
                process = made.Process(
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
            raise self._shortage.noted(error) from None
        self._shortage.over()
        self._process = process
        if self._given_up:
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
        """End the process, from whichever thread, whether it has been started yet or not."""
        self._given_up = True
        if self._process:
            self._process.kill()
