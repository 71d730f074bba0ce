"""The server's end of one worker process: send it a call, get its answer, notice its death."""

from __future__ import annotations

import asyncio
import pickle
import socket
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from multiprocessing.context import BaseContext
from time import monotonic
from typing import Any, cast

from server import worker

HEADER = worker.HEADER
SMALL = 65_536  # up to here, copying a message costs less than writing twice


class WorkerProcess(asyncio.Protocol):
    """One worker and the socket to it; it holds one call at a time.

    `lost` is called once when a worker that was ready has died.
    """

    def __init__(self, context: BaseContext, lost: Callable[[WorkerProcess], None]) -> None:
        self._context: Any = context
        self._lost = lost
        self._process: Any = None
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._ready = asyncio.get_running_loop().create_future()
        self._call: asyncio.Future[Any] | None = None
        self._since = monotonic()
        self._calls = 0
        self.alive = False

    async def start(self) -> bool:
        """Start the process and wait until it is ready; tells whether it came to that."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = self._context.Process(
                target=worker.attend, args=(theirs, worker.environment()), daemon=True
            )
            try:
                await asyncio.to_thread(self._process.start)
            except BaseException:
                ours.close()
                raise
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=ours)
        self.alive = await self._ready
        return self.alive

    @property
    def free(self) -> bool:
        return self.alive and self._call is None

    def ask(self, message: bytes) -> asyncio.Future[Any]:
        """Send a pickled call to a free worker.

        The future has a Ran, or the error with which the call or its result did not travel; it
        fails with BrokenExecutor when the worker dies.
        """
        assert self._transport
        self._call = asyncio.get_running_loop().create_future()
        self._since = monotonic()
        self._calls += 1
        header = HEADER.pack(len(message))
        self._transport.writelines([header, message])
        return self._call

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
            try:
                answer = pickle.loads(whole[HEADER.size :])  # noqa: S301 - our own worker's
            except Exception as error:  # noqa: BLE001 - unpickling runs code of the result's own
                answer = error
        self._received = bytearray()
        if not self._ready.done():
            self._ready.set_result(True)
        elif self._call:
            call, self._call = self._call, None
            self._since = monotonic()
            if not call.done():
                call.set_result(answer)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._ready.done():
            self._ready.set_result(False)
        if self._call and not self._call.done():
            self._call.set_exception(BrokenExecutor("the worker process died"))
        if self.alive:
            self.alive = False
            self._lost(self)

    def kill(self) -> None:
        """End the process whatever it does; `lost` follows."""
        self._process.kill()

    def stop(self) -> None:
        """Let the process end by itself if it is free, or kill it."""
        if self._transport:
            self._transport.close()
        if self._process and not self.free and self._process.pid:
            self._process.kill()

    def shown(self) -> dict[str, Any]:
        """pid, state, calls so far, and for how long it is in this state, in milliseconds."""
        state = "starting" if not self.alive else "idle" if self._call is None else "busy"
        return {
            "pid": self._process.pid if self._process else None,
            "state": state,
            "calls": self._calls,
            "age_ms": round((monotonic() - self._since) * 1e3, 1),
        }
