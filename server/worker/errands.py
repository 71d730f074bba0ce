"""The server's own errands that block: each has a thread to itself, and waits for no work.

The default executor of an event loop, behind `asyncio.to_thread`, is for workloads, which may fill
it. Standard library only, because workloads use this as well.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function in a new thread, and await its result; raises what it raises."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # from now on it cannot be cancelled

    def call() -> None:
        try:
            outcome.set_result(function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - for the caller
            outcome.set_exception(error)

    threading.Thread(target=call, name="errand", daemon=True).start()
    return await asyncio.wrap_future(outcome)
