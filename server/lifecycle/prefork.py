"""Several server processes, each with an event loop: forked, replaced and drained by gunicorn.

    master ──fork──▶ worker 1 … N: aiohttp's worker for gunicorn, one application each
      │                 ▲ each has its own socket, which the master keeps for its successor
      └── lifeline ─────┘ a pipe: when it breaks, the master is gone, and the workers exit

gunicorn gets its options only from here: no file, no command line, no control socket.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import termios
import threading
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from types import FrameType
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.worker import GunicornUVLoopWebWorker, GunicornWebWorker
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn has no types
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # likewise
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]  # likewise
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # likewise

from server.lifecycle import exits, signals
from server.lifecycle.draining import CANCEL_S, DRAIN_S
from server.lifecycle.sockets import BACKLOG, announce, let_go_in_workers, runner_of
from server.settings import Settings
from server.telemetry.board import Place, SharedMemory
from server.web.app import build
from server.worker import offspring

GRACE_S = DRAIN_S + 2 * CANCEL_S + 5  # pools and processes end after the last answer


class Log(Logger):  # type: ignore[misc]  # its base has no types
    """Sends gunicorn's messages to our own log."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True


class Prefork(BaseApplication):  # type: ignore[misc]  # its base has no types
    """What all workers share: the options, and what was made before they were forked."""

    def __init__(self, settings: Settings, sockets: Sequence[socket.socket]) -> None:
        self.settings = settings
        self.sockets = list(sockets)
        self.board = SharedMemory(len(sockets))
        self.lifeline, self._held = os.pipe()
        # Each worker takes one byte when it is ready; the last byte announces the service.
        self._tokens, tokens = os.pipe()
        os.write(tokens, b"." * (len(sockets) - 1) + b"!")
        os.close(tokens)
        super().__init__()

    def load_config(self) -> None:
        options = {
            "workers": len(self.sockets),
            "worker_class": UvloopWorker if self.settings.loop == "uvloop" else AsyncioWorker,
            "timeout": 0,  # a blocked event loop is what we study, so it kills no worker
            "graceful_timeout": GRACE_S,
            "control_socket_disable": True,
            "logger_class": Log,
            "errorlog": None,
            "loglevel": "warning",
            "pre_fork": self.claim,
            "post_fork": self.inherit,
            "child_exit": self.retire,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.serve

    async def serve(self) -> web.AppRunner:
        """Make the application of one worker, in that worker."""
        app = build(self.settings, self.place)
        return runner_of(app, self.settings, self.sockets[self.place.slot])

    def claim(self, master: Arbiter, worker: AsyncioWorker) -> None:
        """Give a worker its socket and its place on the board, before it is forked."""
        taken = {other.slot for other in master.WORKERS.values()}
        worker.slot = min(set(range(len(self.sockets))) - taken)
        worker.sockets = [self.sockets[worker.slot]]

    def inherit(self, master: Arbiter, worker: AsyncioWorker) -> None:
        """Begin as a worker: release what belongs to the master and to the other workers."""
        for number in master.SIGNALS:
            signal.signal(number, lambda *_: os._exit(0))  # until the event loop handles them
        os.close(self._held)
        offspring.claim()
        _die_with_master()
        threading.Thread(target=self._leave_with_master, daemon=True).start()
        for other in self.sockets:
            if other not in worker.sockets:
                other.close()
        let_go_in_workers(worker.sockets)
        self.place = Place(self.board, worker.slot)

    def retire(self, _master: Arbiter, worker: AsyncioWorker) -> None:
        self.board.retire(worker.slot)

    def _leave_with_master(self) -> None:
        os.read(self.lifeline, 1)  # blocks until the master is gone
        os._exit(1)

    @property
    def serves(self) -> bool:
        """Whether all workers have served."""
        left = bytearray(4)
        fcntl.ioctl(self._tokens, termios.FIONREAD, left)
        return not int.from_bytes(left, sys.byteorder)

    def ready(self) -> None:
        """Note that one more worker serves."""
        if os.read(self._tokens, 1) == b"!":
            announce(self.settings)


def _die_with_master() -> None:
    """Make Linux kill this worker when the master ends, even while work holds the GIL."""
    if sys.platform == "linux":
        with suppress(ImportError):  # Python can be built without it
            import ctypes  # noqa: PLC0415 - only where it is used

            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class AsyncioWorker(GunicornWebWorker):
    """aiohttp's worker, which starts and stops like a server of one process."""

    app: Prefork
    slot: int
    _serves = False

    def notify(self) -> None:
        """Called by aiohttp as soon as it listens, and then every second."""
        if not self._serves:
            self._serves = True
            for bound in self.sockets:
                bound.listen(BACKLOG)  # aiohttp's worker has no option for the backlog
            self.app.ready()

    def init_signals(self) -> None:
        """Drain at any signal, also while work blocks the loop; the master ends it at once."""
        signals.hear(*Master.SIGNALS, handler=self._drain)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the master's would reap children

    def _drain(self, _number: int) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self.handle_quit, signal.SIGTERM, None)

    def run(self) -> None:
        """Serve to the end, even if work tries to exit."""
        self.booted = False
        try:
            exits.run(self.loop, self._run())
        except Exception as error:
            if self.booted:
                raise
            exits.report(error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        exits.leave(self.exit_code)


class UvloopWorker(AsyncioWorker, GunicornUVLoopWebWorker):
    pass


class Master(Arbiter):  # type: ignore[misc]  # its base has no types
    """gunicorn's master, with sockets that are already bound, and only the signals that end it.

    At a second signal it ends at once, and so do the workers.
    """

    SIGNALS: ClassVar = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]

    def __init__(self, app: Prefork) -> None:
        super().__init__(app)
        self.LISTENERS = app.sockets
        self.interrupted = False  # before it served
        self._stopping = False

    def signal(self, sig: int, frame: FrameType | None) -> None:
        if self._stopping:
            os._exit(1)
        self._stopping = True
        self.interrupted = sig == signal.SIGINT and not self.app.serves
        super().signal(sig, frame)

    def stop(self, graceful: bool = True) -> None:
        self._stopping = True
        super().stop(graceful)

    def reap_workers(self) -> None:
        """Count a worker that a signal ends while it starts as ended, not as one that failed."""
        with suppress(HaltServer) if self._stopping else nullcontext():
            super().reap_workers()


def run(settings: Settings, sockets: Sequence[socket.socket]) -> int:
    """Serve with a process for each socket until a signal comes, and return the exit code."""
    prefork = Prefork(settings, sockets)
    master = Master(prefork)
    try:
        master.run()
    except SystemExit as leaving:
        if os.getpid() != prefork.board.root:
            raise  # this is a worker
        if leaving.code and not master.interrupted:
            return 1
    return signals.INTERRUPTED if master.interrupted else 0
