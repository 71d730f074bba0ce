"""Workloads that misbehave, each in its own way, and one that waits for the test."""

import asyncio
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from server.workloads import native, workload

GATE = "LOADBEARING_GATE"  # workers inherit variables with this prefix
MISBEHAVING = {
    *("fail", "leave", "interrupt", "cancel", "die", "linger"),
}
ALL = MISBEHAVING | {"hold"}
NONE_LEFT = ".none-left"  # suffix of a file beside the gate: no more processes


@workload(kind="cpu")
def fail() -> None:
    """Raise an exception."""
    raise LookupError("customer 4711 not found")


@workload(kind="cpu")
def leave() -> None:
    """Call sys.exit."""
    sys.exit("leaving")


@workload(kind="cpu")
def interrupt() -> None:
    """Behave like Ctrl-C."""
    raise KeyboardInterrupt("pressed")


@workload(kind="cpu")
def cancel() -> None:
    """Behave like a cancelled task."""
    raise asyncio.CancelledError("withdrawn")


def twin(function: Callable[[], None]) -> None:
    async def natively() -> None:
        function()

    native(function)(natively)


for function in (fail, leave, interrupt, cancel):
    twin(function)


@workload(kind="cpu")
def die() -> None:
    """Kill the process that it runs in."""
    os.kill(os.getpid(), signal.SIGKILL)


@workload(kind="io")
def hold() -> None:
    """Append a mark, then wait until the gate opens."""
    with Path(os.environ[GATE]).open("ab", buffering=0) as gate:
        gate.write(b".")
        fcntl.flock(gate, fcntl.LOCK_SH)


@native(hold)
async def hold_natively() -> None:
    await asyncio.to_thread(hold)


@workload(kind="cpu")
def linger() -> None:
    """Leave a thread behind that Python would wait for at exit."""
    threading.Thread(target=time.sleep, args=(3600,)).start()
