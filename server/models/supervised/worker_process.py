"""The server's side of one worker process: send a call, receive its answer, notice its death."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from time import monotonic
from typing import Any, cast

from server.admission.bulkhead import Visit
from server.errors import CannotStart
from server.models.messages import received
from server.models.process_start import checked, starting
from server.worker import carry
from server.worker.errands import in_own_thread
from server.worker.offspring import kill_with_offspring
from server.worker.timeline import Ran

HEADER = carry.HEADER


@dataclass(slots=True, eq=False)
class WorkerCall:
    """A pickled call, and the worker that holds it.

    `local` gets a Ran, or WorkFailed if call or result could not be sent; BrokenExecutor if the
    worker died. The visit ends when no worker holds the call any more.
    """

    message: bytes
    local: asyncio.Future[Any]
    visit: Visit
    sent: float = 0.0
    holder: WorkerProcess | None = None


class WorkerProcess(asyncio.Protocol):
    """One worker and the socket to it; it holds one call at a time.

    `free` is called whenever it can take a call, `lost` once if it dies after it was ready.
    """

    def __init__(
        self,
        context: BaseContext,
        free: Callable[[WorkerProcess], None],
        lost: Callable[[WorkerProcess], None],
    ) -> None:
        self._context: Any = context
        self._free = free
        self._lost = lost
        self.process: Any = None
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._ready = asyncio.get_running_loop().create_future()
        self._call: WorkerCall | None = None
        self._since = monotonic()
        self._calls = 0
        self._ending = self._stopping = False

    async def start(self) -> bool:
        """Start the process and wait until it is ready; False if it dies first."""
        ours = await in_own_thread(self._start_process)
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)
        ready: bool = await asyncio.shield(self._ready)  # cancelled, it would look idle
        return ready

    def _start_process(self) -> socket.socket:
        """Start the process, and return our end of the socket to it; blocks.

        All in one thread: whoever waits for it may be cancelled, and must not close the worker's
        end before that has been passed on, since its number may be another file's by then.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs, starting(self._context):
                self.process = self._context.Process(
                    target=carry.attend, args=(theirs, carry.environment()), daemon=True
                )
                self.process.start()
        except BaseException:
            ours.close()
            raise
        return ours

    def take(self, call: WorkerCall) -> None:
        """Send a call to a worker that is free."""
        assert self._transport
        assert self._call is None
        self._call, call.holder = call, self
        call.sent = self._since = monotonic()
        self._calls += 1
        self._transport.writelines([HEADER.pack(len(call.message)), call.message])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) < HEADER.size:
            return
        (length,) = HEADER.unpack_from(self._received)
        if len(self._received) < HEADER.size + length:
            return
        with memoryview(self._received) as whole:
            answer = received(whole[HEADER.size :])
        self._received = bytearray()
        self._since = monotonic()
        call, self._call = self._call, None
        if not self._ready.done():
            try:
                checked(answer)
            except CannotStart as error:
                self._ready.set_exception(error)
                self._ending = True
            else:
                self._ready.set_result(True)
        elif call:
            call.holder = None
            late = isinstance(answer, Ran) and answer.failure == carry.TOO_LATE
            call.visit.leave(worked=not late)
            if not call.local.done():
                call.local.set_result(answer)
        if not self._ending:
            self._free(self)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._ready.done():
            self._ready.set_result(False)
            return
        if self._ready.cancelled() or self._ready.exception():
            return
        if not self._stopping:
            kill_with_offspring(self.process.pid)  # it may have died by itself
        if call := self._call:
            call.holder = None
            call.visit.leave(worked=False)
            if not call.local.done():
                call.local.set_exception(BrokenExecutor("the worker process died"))
        self._lost(self)

    def kill(self) -> None:
        """Kill the process and all that it has started; `lost` follows."""
        self._ending = True
        kill_with_offspring(self.process.pid)
        self.process.kill()  # before it leads a group, too

    def stop(self) -> None:
        """Let the process end by itself if it is idle, else kill it."""
        self._stopping = True
        if self._transport:
            self._transport.close()
        if self.pid and self._state() != "idle":
            self.kill()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def ready(self) -> bool:
        """Whether it takes calls, now or after the one that it holds."""
        return not self._ending and self._ready.done() and bool(self._ready.result())

    def _state(self) -> str:
        if not self._ready.done():
            return "starting"
        return "busy" if self._call else "idle"

    def shown(self) -> dict[str, Any]:
        """Process id, state, calls so far, and how long it has been in this state, in ms."""
        return {
            "pid": self.pid,
            "state": self._state(),
            "calls": self._calls,
            "age_ms": round((monotonic() - self._since) * 1e3, 1),
        }
