"""The server's own errands that block: each has a thread to itself, and waits for no work.

The default executor of an event loop, behind `asyncio.to_thread`, is for workloads, which may fill
it. Standard library only, because workloads use this as well.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import ParamSpec, TypeVar

from server.worker import resources

P = ParamSpec("P")
T = TypeVar("T")


def in_new_thread(call: Callable[[], T], name: str | None = None) -> Future[T]:
    """Run a call in a thread that nobody waits for when the server ends.

    It closes what it has opened. The future cannot be cancelled. Raises RuntimeError if no thread
    can be started.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = call()
            if resources.local.belongings:  # here, because it costs a call a frame
                resources.close_thread()
            outcome.set_result(result)
        except BaseException as error:  # noqa: BLE001 - for whoever waits for it
            outcome.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return outcome


async def in_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function in a new thread, and await its result; raises what it raises."""
    return await asyncio.wrap_future(in_new_thread(partial(function, *args, **kwargs), "errand"))
