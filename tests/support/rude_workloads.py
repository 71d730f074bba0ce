"""Work that would end, block or confuse a server that trusts it: for `--workloads`."""

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any, Literal

from server.workloads import native, workload

FORK = multiprocessing.get_context("fork")
CHATTER = 200_000  # characters: more than any pipe holds
print("rude: imported", flush=True)  # noqa: T201 - rude indeed
_stillborn = False


def _end_at_birth() -> None:
    if _stillborn:
        os.kill(os.getpid(), signal.SIGTERM)


os.register_at_fork(after_in_child=_end_at_birth)  # before the server registers its own


def _exit_code(child: Any) -> int | None:
    child.start()
    child.terminate()
    child.join(5)
    code: int | None = child.exitcode
    child.kill()
    return code


@workload(kind="cpu")
def fork(how: Literal["pool", "terminate", "stillborn"] = "pool") -> list[Any]:
    """Start children in ways that end them with SIGTERM."""
    global _stillborn  # noqa: PLW0603 - the child inherits it
    _stillborn = how == "stillborn"
    if how == "pool":
        with FORK.Pool(2) as pool:
            return pool.map(abs, [-1, -2])
    return [_exit_code(FORK.Process(target=time.sleep, args=(10,)))]


async def _leave_soon(error: BaseException | None = None) -> None:
    await asyncio.sleep(0)
    raise error or SystemExit("leaving")


How = Literal["task", "await", "group", "soon", "later", "done", "executor", "stop", "self", "fail"]
_kept: list[Any] = []


@workload(kind="io")
def leave_by(how: How = "task") -> int:
    """Try to end the event loop, in every way there is; only as a twin."""
    return len(how)


@native(leave_by)
async def leave_by_natively(how: How = "task") -> int:
    loop = asyncio.get_running_loop()
    if how == "task":
        _kept.append(asyncio.create_task(_leave_soon()))
    elif how == "await":
        await asyncio.create_task(_leave_soon())
    elif how in {"group", "fail"}:
        async with asyncio.TaskGroup() as group:
            group.create_task(_leave_soon(None if how == "group" else LookupError()))
            group.create_task(asyncio.sleep(60))
    elif how == "soon":
        loop.call_soon(sys.exit, "leaving")
    elif how == "later":
        loop.call_later(0.001, sys.exit, "leaving")
    elif how == "done":
        done = loop.create_future()
        done.add_done_callback(lambda _: sys.exit("leaving"))
        done.set_result(None)
    elif how == "executor":
        await asyncio.to_thread(sys.exit, "leaving")
    elif how == "stop":
        loop.stop()
    else:
        current = asyncio.current_task()
        assert current
        current.cancel()
    await asyncio.sleep(0.01)
    return 1


@workload(kind="io")
def recover() -> None:
    """Continue for long after a failed group; only as a twin."""


@native(recover)
async def recover_natively() -> None:
    with suppress(BaseExceptionGroup):
        await leave_by_natively("fail")
    await asyncio.sleep(60)


@workload(kind="io")
def cling() -> None:
    """Never end, even when cancelled; only as a twin."""


@native(cling)
async def cling_natively() -> None:
    while True:
        with suppress(BaseException):
            await asyncio.sleep(0.01)


@workload(kind="io")
def chatter() -> str:
    """Print more than a pipe holds, from Python and from the descriptor; then read input."""
    print("rude: chatter")  # noqa: T201 - likewise
    os.write(1, b"." * CHATTER + b"\n")
    return sys.stdin.read()
