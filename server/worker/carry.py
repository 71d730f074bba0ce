"""What runs inside a worker: the guard around the work, and how a worker process behaves.

Nothing that a workload does may end the server: `sys.exit` in a task of a standard pool would
otherwise cross the executor and end the whole process. Standard library only.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import pickle
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from multiprocessing.connection import Connection
from time import monotonic, thread_time
from typing import Any

from server.worker.outcomes import raised, unusable
from server.worker.timeline import Ran

HEADER = struct.Struct("!Q")  # the length of the message that follows
TOO_LATE = ("", "the deadline had passed when a worker was free")  # no work fails without a type
LEFTOVERS = "LOADBEARING_LEFTOVERS"  # tells a fork server what to clear away when it ends
INHERITED = ("LOADBEARING_", "XDG_CACHE_HOME")


def carry(
    function: Callable[..., Any],
    positional: tuple[Any, ...],
    named: Mapping[str, Any],
    until: float = inf,
) -> Ran:
    """Run the function between its stamps; whatever it raises comes back as a plain failure.

    Work that comes to its worker after `until` (monotonic) is not run: nobody waits for it.
    """
    result, failure = None, None
    started, cpu = monotonic(), thread_time()  # CPU time within the run, never more than it
    if started > until:
        failure = TOO_LATE
    else:
        try:
            result = function(*positional, **named)
        except BaseException as error:  # noqa: BLE001 - SystemExit too must not leave the worker
            failure = raised(error)
    cpu, finished = thread_time() - cpu, monotonic()
    if result is not None and (failure := unusable(result)):
        result = None
    thread = threading.current_thread().name
    return Ran(started, finished, cpu, os.getpid(), thread, result, failure)


def carry_interpreted(*job: Any) -> Ran:
    """Carry one job in a sub-interpreter, whose threads have no names that would tell it."""
    from concurrent import interpreters  # type: ignore[attr-defined]  # noqa: PLC0415 - new in 3.14

    return carry(*job)._replace(thread=f"interpreter-{interpreters.get_current().id}")


def environment() -> dict[str, str]:
    """What workers must know of the server's environment.

    A fork server hands on the environment of the moment when it was started, which may be older
    than the site and the database that a workload asks for.
    """
    return {name: os.environ[name] for name in os.environ if name.startswith(INHERITED)}


def begin(
    inherited: Mapping[str, str], gate: Connection | None = None, arrived: Connection | None = None
) -> None:
    """Make this process a worker: signals are the server's business, and no orphan is left.

    Where there is a gate, say that one more has arrived there, and wait for a byte that opens it.
    """
    os.environ.update(inherited)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stay)  # not ignored: programs that work starts would inherit it
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    _die_with_parent()
    threading.Thread(target=_leave_with_parent, name="orphan-guard", daemon=True).start()
    if gate and arrived:
        os.write(arrived.fileno(), b".")
        os.read(gate.fileno(), 1)


def once(answer_to: Connection, inherited: Mapping[str, str], message: bytes) -> None:
    """Carry one pickled job in a process of its own: the target of process-per-request.

    It ends at once, whatever threads the work has left behind. Python's own end may wait for ever
    in a forked process, for a lock that was held while it was forked.
    """
    begin(inherited)
    answer_to.send_bytes(answer(message))
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def attend(channel: socket.socket, inherited: Mapping[str, str]) -> None:
    """Carry one job after the other that comes by the channel: a worker of the supervised pool.

    Each message is a length and a pickle, either way. The first to go out says that the worker is
    ready. At the end of the channel the process ends, whatever threads the work has left behind.
    """
    begin(inherited)
    jobs = channel.makefile("rb", buffering=65_536)
    message = pickle.dumps(None)
    with suppress(OSError):  # the server may go at any moment
        while True:
            channel.sendall(HEADER.pack(len(message)) + message)
            header = jobs.read(HEADER.size)
            if len(header) < HEADER.size:
                break
            message = answer(jobs.read(HEADER.unpack(header)[0]))
    os._exit(0)


def answer(message: bytes) -> bytes:
    """Carry a pickled job; gives its Ran, or the reason why it did not travel, pickled."""
    try:
        ran: object = carry(*pickle.loads(message))  # noqa: S301 - our own server's
        return pickle.dumps(ran, pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # noqa: BLE001 - pickling runs code of arguments and results
        return pickle.dumps(": ".join(raised(error)))


def _stay(*_: object) -> None:
    """Go on at SIGTERM, which may reach a whole group: the server drains, and ends its workers."""


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _die_with_parent() -> None:
    """Have Linux kill this process when its parent's end of a pipe is closed.

    While work holds the GIL in C, or while the process is stopped, no thread of it can do so.
    """
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    with suppress(OSError):
        sentinel = parent.sentinel
        fcntl.fcntl(sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(sentinel, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(sentinel, fcntl.F_GETFL)
        fcntl.fcntl(sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
