"""A process that workloads read from, e.g. a web site: it starts with its first reader.

    server ── listens, but does not accept ─────────────┐ inherited
      └──(stdin held open)── python -m server.workloads.site ◄── workers connect

Most servers never have a reader. It ends with its standard input: however its server ends, so does
the process.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.worker.ending import end_by_input
from server.worker.errands import in_own_thread

STOP_S = 2.0
LONGEST = 60  # bytes of a folder's path: that of a socket in it has about 100

_logger = logging.getLogger("loadbearing")


class OnDemand:
    """One process for all servers of this process, from the first one until the last one stops.

    While it is available, the variable of the environment has its address, which workers inherit.
    A process that is given a folder keeps its files there, and both remove it.
    """

    def __init__(self, title: str, module: str, variable: str, *, folder: bool = False) -> None:
        self.title = title
        self.module = module
        self.variable = variable
        self.folder = folder
        self._lock = threading.Lock()  # several servers, one loop each, may share the process
        self._listening: _Listening | None = None
        self._users = 0
        self._outer: str | None = None

    @asynccontextmanager
    async def available(self) -> AsyncIterator[None]:
        await in_own_thread(self._enter)
        try:
            yield
        finally:
            await in_own_thread(self._leave)

    def _enter(self) -> None:
        with self._lock:
            if self._listening is None:
                self._listening = _Listening(self)
                self._outer = os.environ.get(self.variable)
                os.environ[self.variable] = self._listening.address
            self._users += 1

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users or self._listening is None:
                return
            listening, self._listening = self._listening, None
            if self._outer is None:
                os.environ.pop(self.variable, None)
            else:
                os.environ[self.variable] = self._outer
            listening.stop()


class _Listening:
    """A listening socket, and a process that accepts from it once somebody has connected."""

    def __init__(self, service: OnDemand) -> None:
        self._service = service
        self._bound = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.address = f"http://127.0.0.1:{self._bound.getsockname()[1]}"
        self._awake, self._wake = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        # Not on the event loop, which a reader may block.
        self._starting = threading.Thread(target=self._start_when_read, name="site", daemon=True)
        self._starting.start()

    def _start_when_read(self) -> None:
        waiting = select.poll()
        waiting.register(self._bound, select.POLLIN)
        waiting.register(self._awake, select.POLLIN)
        if self._awake.fileno() in dict(waiting.poll()):
            return
        # The root goes first on both paths, before any other package named server.
        root = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        descriptor = self._bound.fileno()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", self._service.module, str(descriptor), *self._own_folder()],
                cwd=root,
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[descriptor],
                start_new_session=True,  # so that Ctrl-C reaches only the server
            )
        except OSError as error:
            _logger.error(  # noqa: TRY400 - the reason is enough
                "cannot start %s: %s; its readers fail", self._service.title, error
            )
        self._bound.close()  # where nobody else has it open, readers are refused

    def _own_folder(self) -> list[str]:
        if not self._service.folder:
            return []
        usual = tempfile.gettempdir()
        self._folder = tempfile.TemporaryDirectory(
            prefix="loadbearing-",
            dir=usual if len(os.fsencode(usual)) <= LONGEST else "/tmp",  # noqa: S108 - mkdtemp makes a folder of our own in it
            ignore_cleanup_errors=True,
        )
        return [self._folder.name]

    def stop(self) -> None:
        """Stop listening, and end the process if it was ever started."""
        self._wake.send(b"\0")  # closing would not do: a forked worker may have it open
        self._starting.join()
        for end in (self._bound, self._awake, self._wake):
            end.close()
        if self._process:
            end_by_input(self._process, STOP_S)
        if self._folder:
            self._folder.cleanup()
