"""Async work that never awaits, clings, leaves things behind or breaks its loop: `--workloads`."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from server.workloads import workload

LONG_S = 3600
VARIABLE = ContextVar("variable", default="as it was")
_kept: list[Any] = []
_ended: list[str] = []


async def _sleep() -> None:
    await asyncio.sleep(LONG_S)


async def _leave_soon() -> None:
    await asyncio.sleep(0)
    sys.exit("leaving")


async def never_awaits() -> int:
    time.sleep(0.001)  # noqa: ASYNC251 - odd indeed
    return sum(range(1000))


async def await_exit() -> None:
    await asyncio.create_task(_leave_soon())


async def fail_in_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_sleep())
        raise LookupError("no stock")


async def cancel_itself() -> None:
    current = asyncio.current_task()
    assert current
    current.cancel()
    await asyncio.sleep(0)


async def ignore_cancellation() -> str:
    """Cancel itself, and go on."""
    with suppress(asyncio.CancelledError):
        await cancel_itself()
    return "went on"


async def run_nested() -> None:
    inner = asyncio.sleep(0)
    try:
        asyncio.run(inner)
    finally:
        inner.close()


async def close_loop() -> None:
    asyncio.get_running_loop().close()


async def stop_loop() -> str:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.001)
    return "went on"


async def _linger() -> None:
    try:
        await _sleep()
    finally:
        await asyncio.sleep(0.001)
        _ended.append("lingering")
        _kept.append(asyncio.create_task(_sleep()))  # a task that a cancelled task starts


async def leave_task() -> int:
    before = len(_ended)
    _kept.append(asyncio.create_task(_linger()))
    await asyncio.sleep(0)
    return before


async def leave_failure() -> str:
    """Leave a task that exits when it is cancelled."""

    async def exit_late() -> None:
        try:
            await _sleep()
        finally:
            sys.exit("leaving")

    _kept.append(asyncio.create_task(exit_late()))
    await asyncio.sleep(0)
    return "left"


async def leave_timer() -> str:
    asyncio.get_running_loop().call_later(0.001, _kept.append, 1)
    return "left"


async def change_factory() -> str:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(lambda loop, work, **_: asyncio.Task(work, loop=loop))
    return "changed"


async def set_variable() -> str:
    before = VARIABLE.get()
    VARIABLE.set("changed")
    return before


async def _count() -> AsyncIterator[int]:
    number = 0
    while True:
        yield number
        number += 1


async def leave_generator() -> int:
    numbers = _count()
    _kept.append(numbers)
    return await anext(numbers)


async def use_threads() -> str:
    return await asyncio.to_thread(lambda: threading.current_thread().name[:7])


async def forget_loop() -> str:
    asyncio.set_event_loop(None)
    return "forgot"


async def listen() -> str:
    """Handle a signal on the loop, which only a main thread can do."""
    try:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)
    except (RuntimeError, ValueError):
        return "refused"
    return "listens"


async def give_coroutine() -> Any:
    return asyncio.sleep(0)


async def give_rows() -> list[int]:
    return [*range(100_000)]


HOWS: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
    how.__name__: how
    for how in (
        *(never_awaits, await_exit, fail_in_group, cancel_itself, ignore_cancellation),
        *(run_nested, close_loop, stop_loop, leave_task, leave_failure, leave_timer),
        *(change_factory, set_variable, leave_generator, use_threads, forget_loop, listen),
        *(give_coroutine, give_rows),
    )
}


@workload(kind="io")
async def wait_oddly(how: str = "never_awaits") -> Any:
    """Do something odd on the event loop."""
    return await HOWS[how]()


@workload(kind="io")
async def cling() -> None:
    """Leave a task that no cancellation ends."""

    async def forever() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    _kept.append(asyncio.create_task(forever()))
    await asyncio.sleep(0)


async def fetch(parts: int) -> list[int]:
    await asyncio.sleep(0.001)
    return [*range(parts)]


async def add(parts: list[int]) -> int:
    await asyncio.sleep(0)
    return sum(parts)


@workload(kind="mixed", stages=(("io", fetch), ("cpu", add)))
async def fetch_and_add(parts: int = 4) -> int:
    """Fetch, then add, in two stages."""
    return await add(await fetch(parts))
