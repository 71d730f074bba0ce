"""What work starts: its processes never act for the worker, and end with it.

    worker: leads a process group
      ├── a forked copy that returns from the work ──▶ exits, before it answers a second time
      ├── a child that lives on ─── holds no pipe of ours, so it hides no death
      └── programs, pools ───────▶ killed with the worker, and with the server
    fork server: adopts daemons, which left both, and kills them when the server has ended

Standard library only, because workers import this.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket

PR_SET_CHILD_SUBREAPER = 36
Pipe = tuple[int, int]  # a descriptor, and the inode that distinguishes it from its successors

# The process that carries work. A copy that the work has forked must end as soon as it returns:
# it would go on as the worker or server that it is a copy of, and answer a second time.
carrier = os.getpid()
_servers: str | None = None  # its folder for temporary files, if it has created one


def claim() -> None:
    """Let this process carry work: it was forked from one that does."""
    global carrier  # noqa: PLW0603 - one for each process
    carrier = os.getpid()


def lead(ours: Connection | socket | None) -> None:
    """Make this worker one whose processes end with it, and let it start any, pools too.

    `ours` is what it answers through. Its forked copies close that, and what else shows its death.
    """
    global _servers  # noqa: PLW0603 - one for each process
    claim()
    with suppress(OSError):  # it leads a session already
        os.setpgid(0, 0)
    process = multiprocessing.current_process()
    process._config["daemon"] = False  # type: ignore[attr-defined]  # noqa: SLF001 - daemons may not start processes
    _servers = process._config.get("tempdir")  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
    if executors := sys.modules.get("concurrent.futures.thread"):
        # Forked by an executor's thread, each process below would fail to join that at its end.
        executors._threads_queues.clear()  # noqa: SLF001 - no public way
    if pools := sys.modules.get("concurrent.futures.process"):
        pools._threads_wakeups.clear()  # noqa: SLF001 - likewise, to wake the server's executors
    os.register_at_fork(after_in_child=partial(_let_go, [*_pipes(ours)]))


def adopt_orphans() -> None:
    """Become the parent of daemons that are started below. A fork server waits for any child."""
    if sys.platform == "linux":
        with suppress(ImportError):  # Python can be built without it
            import ctypes  # noqa: PLC0415 - only where it is used

            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _pipes(ours: Connection | socket | None) -> Iterable[Pipe]:
    """List the descriptors whose end tells the server or a fork server that this worker is gone."""
    from multiprocessing import resource_tracker  # noqa: PLC0415 - not in interpreters

    forkserver = sys.modules.get("multiprocessing.forkserver")
    alive = forkserver and forkserver._forkserver._forkserver_alive_fd  # noqa: SLF001 - no public way
    known = {ours.fileno() if ours else None, alive}
    started = getattr(multiprocessing.current_process(), "_start_method", "")
    unknown = (
        set[int]() if started == "forkserver" else set(map(int, os.listdir("/dev/fd")))  # noqa: PTH208 - names only
    )
    tracker = resource_tracker._resource_tracker._fd  # type: ignore[attr-defined]  # noqa: SLF001 - likewise
    for number in {*filter(None, known), *unknown} - {0, 1, 2, tracker}:
        with suppress(OSError):  # the one that listed the others
            status = os.fstat(number)
            if number in known or (stat.S_ISFIFO(status.st_mode) and _writes(number)):
                yield number, status.st_ino


def _writes(number: int) -> bool:
    import fcntl  # noqa: PLC0415 - only under fork and spawn

    return bool(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_WRONLY)


def _let_go(pipes: Iterable[Pipe]) -> None:
    for number, inode in pipes:
        with suppress(OSError):  # the work has closed it
            if os.fstat(number).st_ino == inode:
                os.close(number)


def children(pid: int) -> list[int]:
    """List the children of a process; none where the system has no such list."""
    listed: list[int] = []
    with suppress(OSError):  # it has ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            listed += map(int, (task / "children").read_text().split())
    return listed


def below(pid: int) -> list[int]:
    """List all processes below another one."""
    return [process for child in children(pid) for process in (child, *below(child))]


def kill_below(pid: int) -> None:
    """Kill all processes below another one."""
    for process in below(pid):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)


def kill_programs() -> None:
    """Kill what work has started in the server itself; what multiprocessing needs ends later."""
    forkserver = sys.modules.get("multiprocessing.forkserver")
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    needed = {
        forkserver and forkserver._forkserver._forkserver_pid,  # noqa: SLF001 - no public way
        tracker and tracker._resource_tracker._pid,  # noqa: SLF001 - likewise
    }
    for child in set(children(os.getpid())) - needed:
        kill_with_offspring(child)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def kill_with_offspring(pid: int) -> None:
    """Kill a worker, or what is left of it: its group, and all processes below it."""
    kill_below(pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _delete_files() -> None:
    """Delete what multiprocessing has created for the processes of the work."""
    forkserver = sys.modules.get("multiprocessing.forkserver")
    if forkserver and forkserver._forkserver._forkserver_pid:  # noqa: SLF001 - no public way
        Path(forkserver._forkserver._forkserver_address).unlink(missing_ok=True)  # noqa: SLF001 - likewise
    folder = multiprocessing.current_process()._config.get("tempdir")  # type: ignore[attr-defined]  # noqa: SLF001 - likewise
    if folder and folder != _servers:
        shutil.rmtree(folder, ignore_errors=True)


def leave(code: int = 0) -> None:
    """End this worker at once, whatever threads or processes the work has left behind."""
    if os.getpid() == carrier:
        _delete_files()
        kill_with_offspring(carrier)
    os._exit(code)  # it leads no group of its own
