"""What runs inside a worker: the guard around the work, and how a worker process behaves.

Nothing that a workload does may end the server: without the guard, `sys.exit` in a task of a
standard pool would pass through the executor and end the whole process. Standard library only.
"""

from __future__ import annotations

import fcntl
import marshal
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
from multiprocessing.util import Finalize
from time import monotonic, thread_time
from typing import Any

from server.worker import offspring, randomness, resources
from server.worker.imports import imported
from server.worker.outcomes import raised
from server.worker.results import packed, settled
from server.worker.timeline import Ran

HEADER = struct.Struct("!Q")  # the length of the message that follows
TOO_LATE = ("", "the deadline had passed when a worker was free")  # work never fails without a type
INHERITED = ("LOADBEARING_", "XDG_CACHE_HOME")
_around_fork = threading.local()
randomness.reseed_in_forks()


def carry(
    function: Callable[..., Any],
    positional: tuple[Any, ...],
    named: Mapping[str, Any],
    until: float = inf,
) -> Ran:
    """Run the function between two time stamps; an exception becomes a plain failure.

    Work that reaches its worker after `until` (monotonic) is not run, because it is too late.
    """
    result, failure = None, None
    started, cpu = monotonic(), thread_time()  # in this order, so that CPU time never exceeds it
    if started > until:
        failure = TOO_LATE
    else:
        try:
            result = function(*positional, **named)
        except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the worker
            failure = raised(error)
        if result is not None:
            result, failure = settled(result)
    cpu, finished, pid = thread_time() - cpu, monotonic(), os.getpid()
    if pid != offspring.carrier:  # the work has forked this copy, which must not answer too
        os._exit(0)
    thread = threading.current_thread().name
    return Ran(started, finished, cpu, pid, thread, result, failure)


def carry_interpreted(*job: Any) -> bytes:
    """Carry one job in a sub-interpreter, and name it, because its threads do not."""
    from concurrent import interpreters  # type: ignore[attr-defined]  # noqa: PLC0415 - new in 3.14

    name = f"interpreter-{interpreters.get_current().id}"
    resources.alone = True
    try:
        return packed(carry(*job)._replace(thread=name))
    except BaseException as error:  # noqa: BLE001 - as in `answer`
        return _unsent(error)


def environment() -> dict[str, str]:
    """The variables that workers need from the server's environment.

    A fork server passes on the environment with which it was started, which may be older than the
    site and the database that a workload uses.
    """
    return {name: os.environ[name] for name in os.environ if name.startswith(INHERITED)}


def begin(
    inherited: Mapping[str, str],
    gate: Connection | None = None,
    arrived: Connection | None = None,
    ours: Connection | socket.socket | None = None,
) -> None:
    """Make this process a worker: it leaves signals to the server, and ends with it.

    If there is a gate, report the arrival there, and wait for the byte that opens it.
    """
    os.environ.update(inherited)
    offspring.lead(ours)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # programs of the work inherit it
    signal.signal(
        signal.SIGTERM, _stay
    )  # not ignored: programs that the work starts would inherit that
    os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_end_as_usual)
    _die_with_parent()
    guard = threading.Thread(target=_leave_with_parent, name="orphan-guard", daemon=True)
    try:
        guard.start()
    except RuntimeError:  # the system allows no more threads, as the server says
        offspring.leave(1)
    if gate and arrived:  # the standard pool's worker exits as any process does
        Finalize(None, _end, exitpriority=100)
        os.write(arrived.fileno(), b".")
        os.read(gate.fileno(), 1)


def _end() -> None:
    """Close what this worker has opened, and end it."""
    resources.close_all()
    offspring.leave()


def once(answer_to: Connection, inherited: Mapping[str, str], message: bytes) -> None:
    """Carry one pickled job in a process of its own: the target of process-per-request.

    It exits at once, whatever threads the work has left behind. A regular exit of Python could
    wait for ever in a forked process, for a lock that was held during the fork.
    """
    begin(inherited, ours=answer_to)
    with suppress(OSError):  # the work has closed it, or the server is gone
        answer_to.send_bytes(answer(message))
    resources.close_all()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            stream.flush()
    offspring.leave()


def attend(channel: socket.socket, inherited: Mapping[str, str]) -> None:
    """Carry the jobs that arrive on the channel, one by one: a worker of the supervised pool.

    Messages in both directions have their length in front. The first one sent says that the worker
    is ready, or why it cannot import the workloads. When the channel ends, so does the process,
    whatever threads the work has left behind.
    """
    begin(inherited, ours=channel)
    jobs = channel.makefile("rb", buffering=65_536)
    message = packed(carry(imported, (), {}))
    with suppress(OSError):  # the server may go at any moment
        while True:
            channel.sendall(HEADER.pack(len(message)) + message)
            header = jobs.read(HEADER.size)
            if len(header) < HEADER.size:
                break
            message = answer(jobs.read(HEADER.unpack(header)[0]))
    _end()


def answer(message: bytes) -> bytes:
    """Carry a pickled job; returns its report, or why call or result could not be sent."""
    try:
        return packed(carry(*pickle.loads(message)))  # noqa: S301 - our own server's
    except BaseException as error:  # noqa: BLE001 - pickling runs code of arguments and results
        return _unsent(error)


def _unsent(error: BaseException) -> bytes:
    return marshal.dumps(": ".join(raised(error)))


def _stay(*_: object) -> None:
    """Ignore SIGTERM, which may reach the whole group: the server drains, and ends its workers."""


def _block() -> None:
    """Keep back a SIGTERM that arrives while a child is forked: `_stay` would lose it there."""
    _around_fork.mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _around_fork.mask)


def _end_as_usual() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _unblock()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        offspring.leave(1)


def _die_with_parent() -> None:
    """Let Linux kill this process and its group when its parent's end of a pipe is closed.

    No thread of the process can do that while work holds the GIL in C, or while it is stopped.
    """
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    with suppress(OSError):
        sentinel = parent.sentinel
        fcntl.fcntl(sentinel, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(sentinel, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(sentinel, fcntl.F_GETFL)
        fcntl.fcntl(sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
