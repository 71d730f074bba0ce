"""Which processes of a service answer, and whether they wait for events, seen from outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

POLL = "anon_inode:[eventpoll]"


def serving(processes: Iterable[psutil.Process], port: int) -> list[psutil.Process]:
    """List the processes that hold a connection which was made to a port."""
    return [process for process in processes if _holds(process, port)]


def _holds(process: psutil.Process, port: int) -> bool:
    with suppress(psutil.Error):
        return any(
            connection.laddr and connection.laddr.port == port
            for connection in process.net_connections(kind="tcp")
            if connection.status == psutil.CONN_ESTABLISHED
        )
    return False


def polls(processes: Iterable[psutil.Process]) -> bool | None:
    """Whether all of them wait for events, as an event loop does; None where it is not visible."""
    if sys.platform != "linux":
        return None
    known = [_polls(process.pid) for process in processes]
    return None if not known or None in known else all(known)


def _polls(pid: int) -> bool | None:
    folder = Path(f"/proc/{pid}/fd")
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names only
    except OSError:
        return None
    for name in names:
        with suppress(OSError):
            if str((folder / name).readlink()) == POLL:
                return True
    return False
