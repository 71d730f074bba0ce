"""One process with one event loop, or with several: each in a thread and with its own application.

    main thread: loop 1, and signals ──▶ stop ──▶ loops 2 … N, each in a thread of its own

They share a port and a board, and nothing else; without a GIL, they use all cores.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from server.lifecycle import exits, signals
from server.lifecycle.sockets import BACKLOG, LOOPS, announce, let_go_in_workers, runner_of
from server.settings import Settings
from server.telemetry.board import Board, Place
from server.web.app import build
from server.worker import offspring


@dataclass(frozen=True, slots=True)
class Loop:
    """One event loop and its application, from its start until `stop` is done and it has drained.

    `ready` is done once it serves, or fails with the reason why it cannot start.
    """

    settings: Settings
    bound: socket.socket
    place: Place
    stop: Future[None]
    ready: Future[None] = field(default_factory=Future)

    def run(self) -> None:
        threading.current_thread().name = f"loop-{self.place.slot + 1}"
        exits.run(LOOPS[self.settings.loop](), self.serve())

    async def serve(self) -> None:
        try:
            app = build(self.settings, self.place)
            runner = runner_of(app, self.settings, self.bound)
            try:
                await runner.setup()
                await web.SockSite(runner, self.bound, backlog=BACKLOG).start()
                self.ready.set_result(None)
                await asyncio.wrap_future(self.stop)
            finally:
                await runner.cleanup()
        except BaseException as error:
            if self.ready.done():
                raise
            self.ready.set_exception(error)


def run(settings: Settings, sockets: Sequence[socket.socket]) -> int:
    """Serve with an event loop for each socket until a signal comes, and end with its exit code."""
    let_go_in_workers(sockets)
    stop: Future[None] = Future()
    stop.set_running_or_notify_cancel()  # from now on, a loop that fails cannot cancel it for all
    board = Board(len(sockets))
    loops = [Loop(settings, bound, Place(board, slot), stop) for slot, bound in enumerate(sockets)]
    with ThreadPoolExecutor(len(loops)) as threads:
        code = exits.run(LOOPS[settings.loop](), _lead(settings, loops, stop, threads))
    exits.leave(code)


async def _lead(
    settings: Settings, loops: Sequence[Loop], stop: Future[None], threads: ThreadPoolExecutor
) -> int:
    """Serve with the first loop on the main thread, and handle signals for all loops."""
    came: list[int] = []

    def on_signal(number: int) -> None:
        if stop.done():
            offspring.kill_programs()
            os._exit(1)
        came.append(number)
        with suppress(InvalidStateError):  # a loop that cannot start has just stopped all
            stop.set_result(None)

    signals.hear(signal.SIGINT, signal.SIGTERM, handler=on_signal)
    here = asyncio.get_running_loop()
    others = [here.run_in_executor(threads, loop.run) for loop in loops[1:]]
    serving = asyncio.gather(loops[0].serve(), *others)
    starts = (asyncio.wrap_future(loop.ready) for loop in loops)
    failures = list(filter(None, await asyncio.gather(*starts, return_exceptions=True)))
    early = [*came]
    if failures:
        exits.report(failures[0])
    elif not early:
        announce(settings)
    if failures and not stop.done():
        stop.set_result(None)
    await serving
    if signal.SIGINT in early:
        return signals.INTERRUPTED
    return 1 if failures else 0
