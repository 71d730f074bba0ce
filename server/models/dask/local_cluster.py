"""A Dask cluster for one server on this host: scheduler and nannies in a process of their own.

    server ──(stdin held open)── python -m server.models.dask.local_cluster: scheduler, nannies
                                      └── a worker process for each nanny, which replaces it

It prints the scheduler's address, or why there is none, on standard output, and exits when its
standard input ends: however the server ends, the cluster ends with it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from server import streams
from server.worker.ending import end_by_input
from server.worker.errands import in_own_thread

HOST = "127.0.0.1"
START_S = 30  # as for other processes: a cluster that has not started by then never will
CONNECT_S = 2.0  # Dask's default of 30 s would delay every result that a killed worker held
PAUSE_S = 1.0
STOP_S = 1.0
QUIET = ("distributed", "distributed.client", "distributed.gc", "tornado.application")
LOG_LENGTH = 10  # Dask keeps messages with their payload for debugging: 1000 fill the memory
CONFIG = {
    # The model retries the calls of a killed worker once; Dask by itself would do so three times.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.comm.timeouts.connect": CONNECT_S,
    "distributed.admin.low-level-log-length": LOG_LENGTH,
    # Dask profiles and times itself for its dashboard, which is off: with two workers, an idle
    # cluster would take 8 % of a core for it. None of this detects that a worker has died.
    "distributed.worker.profile.enabled": False,  # 100 times a second, in each worker
    "distributed.admin.tick.interval": "1s",  # of each event loop; 20 ms by default
    "distributed.admin.system-monitor.interval": "10s",  # of each process; 500 ms by default
}


@asynccontextmanager
async def cluster(workers: int) -> AsyncIterator[str]:
    """Run a cluster, and yield the scheduler's address. Raises RuntimeError."""
    with tempfile.TemporaryDirectory(prefix="loadbearing-dask-", ignore_cleanup_errors=True) as own:
        process = await in_own_thread(_start, workers, own)
        try:
            yield await in_own_thread(_address, process)
        finally:
            await in_own_thread(end_by_input, process, STOP_S)


def _start(workers: int, folder: str) -> subprocess.Popen[str]:
    # Its workers can import what the server can, in the same order (-P).
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    quiet = repr(dict.fromkeys(QUIET, "critical"))
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", "server.models.dask.local_cluster", str(workers), folder],
        env={
            **os.environ,
            "PYTHONPATH": path,
            # A killed scheduler leaves semaphores to the tracker, which warns when it removes them.
            "PYTHONWARNINGS": "ignore:resource_tracker",
            "DASK_LOGGING": quiet,
            # Dask evaluates it as a literal: unquoted, a random /tmp/x-1or can cause a warning.
            "DASK_TEMPORARY_DIRECTORY": repr(folder),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    limit = threading.Timer(START_S, process.kill)  # which ends the wait for the line
    limit.start()
    try:
        line = process.stdout.readline().strip()
    finally:
        limit.cancel()
    if line.startswith("tcp://"):
        return line
    raise RuntimeError(line or f"it was killed, or reported no address within {START_S:g} s")


def _watch_input() -> None:
    while os.read(0, 4096):
        pass
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGTERM)


def _leave(folder: str) -> None:
    """End at once; on the main thread, which could otherwise create new files meanwhile."""
    for worker in multiprocessing.active_children():
        worker.kill()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


async def _run(workers: int, folder: str) -> None:
    # Not at the top, because the worker processes load this module too and need less of Dask.
    dask, core = map(import_module, ("distributed", "distributed.scheduler"))
    extensions = dict(core.DEFAULT_EXTENSIONS)
    del extensions["spans"]  # it never frees its records of calls: dask/distributed#7977
    scheduler = await dask.Scheduler(
        host=HOST, dashboard=False, dashboard_address=f"{HOST}:0", extensions=extensions
    )

    async def start() -> Any:
        return await dask.Nanny(
            scheduler.address,
            nthreads=1,
            host=HOST,
            local_directory=folder,
            memory_limit=0,
            dashboard=False,
            extensions={},  # the worker's half of the spans
        )

    async def keep(nanny: Any) -> None:
        """Replace a nanny that gives up, as some do when their worker dies during its start."""
        while True:
            await nanny.finished()
            try:
                nanny = await start()
            except Exception:  # noqa: BLE001 - whatever the error is, there must be a worker
                await asyncio.sleep(PAUSE_S)

    nannies = await asyncio.gather(*(start() for _ in range(workers)))
    streams.greet(scheduler.address)
    await asyncio.gather(*map(keep, nannies))


def main(workers: str, folder: str) -> None:
    streams.reserve()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the server to handle
    signal.signal(signal.SIGTERM, lambda *_: _leave(folder))
    threading.Thread(target=_watch_input, daemon=True).start()
    try:
        import_module("dask").config.set(CONFIG)
        asyncio.run(_run(int(workers), folder))
    except Exception as error:  # noqa: BLE001 - the server reports it, and tries again
        streams.greet(f"{type(error).__name__}: {error}")
        _leave(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
