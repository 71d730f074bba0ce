"""An event loop that runs until the server is done, even if work on it tries to exit.

asyncio and uvloop stop at a SystemExit or a KeyboardInterrupt in any task or callback, and at
`loop.stop()`. Code that awaits such a task still gets its exception; nothing else is lost, and the
loop can be run again.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from time import monotonic
from traceback import walk_tb
from typing import Any, NoReturn, TypeVar

from server.errors import CannotStart, ServerError, log
from server.lifecycle.draining import CANCEL_S
from server.lifecycle.signals import listen
from server.lifecycle.upkeep import keep_up
from server.worker import offspring
from server.worker.outcomes import raised

THREADS_S = 0.5  # for those that are about to end
# Tasks that ignored their cancellation, kept because garbage collection would run their code.
STUBBORN: list[asyncio.Task[Any]] = []

T = TypeVar("T")


def run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end on a new loop, close that loop, and return the result."""
    try:
        return _run(loop, main)
    finally:
        _close(loop)


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, T]) -> T:
    task = loop.create_task(main)
    task.add_done_callback(lambda _: loop.stop())
    loop.call_soon(keep_up, loop)
    while not task.done():
        loop.call_soon(listen)
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:
            if not task.done():
                log.warning("%s; the server continues", _described(error))
    return task.result()


def _described(error: BaseException) -> str:
    kind, text = raised(error)
    what = f"{kind}: {text}" if text else kind
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return f"work on the event loop raised {what}"
    frame, line = frames[-1]
    return f"work on the event loop raised {what} ({frame.f_code.co_filename}:{line})"


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """End what work has left on the loop, waiting only for a limited time."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    ending = loop.create_task(_finish(loop, left))
    _run(loop, asyncio.wait([ending], timeout=CANCEL_S))
    pending = asyncio.all_tasks(loop)
    STUBBORN.extend(pending)
    if not pending:
        loop.close()


async def _finish(loop: asyncio.AbstractEventLoop, left: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*left, return_exceptions=True)
    await loop.shutdown_asyncgens()
    with suppress(RuntimeError):  # which needs a thread, and the system may have none left
        await loop.shutdown_default_executor()


def report(error: BaseException) -> None:
    """Log why the server cannot start: on one line, unless only a traceback shows the mistake."""
    outside = isinstance(error, OSError | RuntimeError | EOFError | MemoryError | ServerError)
    reason = ": ".join(raised(error))
    if isinstance(error, CannotStart | ServerError):
        reason = f"{error}. {getattr(error, 'hint', '')}"
    if outside:
        log.error("the server cannot start: %s", " ".join(reason.split()))
    else:
        log.error("the server cannot start", exc_info=error)


def leave(code: int) -> NoReturn:
    """End the process soon, whatever work has left in it: Python would wait for it.

    Programs that work has started end with it. Threads whose work is done get a moment, as that of
    an executor which ends its workers, and so do functions that wait for the exit. What
    multiprocessing has left, it gives back first, or its resource tracker complains.
    """
    offspring.kill_programs()
    end = monotonic() + THREADS_S
    for thread in threading.enumerate()[1:]:
        if not thread.daemon:
            thread.join(max(0, end - monotonic()))
    if "multiprocessing.util" in sys.modules:
        sys.modules["multiprocessing.util"]._run_finalizers(0)  # noqa: SLF001 - no public way
    last = threading.Thread(target=atexit._run_exitfuncs, daemon=True)  # noqa: SLF001 - likewise
    with suppress(RuntimeError):  # the system may have no thread left
        last.start()
        last.join(THREADS_S)
    if sys.stderr:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
    os._exit(code)
