"""A Dask cluster for one server on this host: scheduler and nannies in a process of their own.

    server ──(stdin held open)── python -m server.cluster: scheduler, nannies
                                      └── a worker process for each nanny, which replaces it

It prints the scheduler's address on standard output, and leaves when its standard input ends:
whatever way the server goes, the cluster goes too.
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

START_S = 30  # as for other processes: a cluster that has not started by then never will
QUIET = ("distributed", "distributed.client", "distributed.gc", "tornado.application")
LOG_LENGTH = 10  # Dask keeps messages with their payload, to debug itself: 1000 fill the memory
CONFIG = {
    # The model repeats what a killed worker held, once; Dask by itself would do so three times.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.admin.low-level-log-length": LOG_LENGTH,
}


@asynccontextmanager
async def standing(workers: int) -> AsyncIterator[str]:
    """Keep a cluster standing; gives the scheduler's address. Raises RuntimeError, TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="loadbearing-dask-", ignore_cleanup_errors=True) as own:
        process = await asyncio.to_thread(_start, workers, own)
        try:
            yield await asyncio.to_thread(_address, process)
        finally:
            await asyncio.to_thread(_stop, process)


def _start(workers: int, folder: str) -> subprocess.Popen[str]:
    # What the server can import, its workers find too, and (-P) nothing before it.
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    quiet = repr(dict.fromkeys(QUIET, "critical"))
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", "server.cluster", str(workers), folder],
        env={
            **os.environ,
            "PYTHONPATH": path,
            # A killed scheduler leaves semaphores to the tracker, which removes and tells them.
            "PYTHONWARNINGS": "ignore:resource_tracker",
            "DASK_LOGGING": quiet,
            "DASK_TEMPORARY_DIRECTORY": folder,
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
        address = process.stdout.readline().strip()
    finally:
        limit.cancel()
    if address:
        return address
    raise RuntimeError(
        f"the cluster did not say its address, for which it has {START_S:g} s: its own message, "
        "if it had one, is on standard error"
    )


def _stop(process: subprocess.Popen[str]) -> None:
    """End the cluster by closing its input; kill it where a forked worker still holds that open."""
    with process:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            process.kill()


def _leave_with_input(folder: str) -> None:
    while os.read(0, 4096):
        pass
    for worker in multiprocessing.active_children():
        worker.kill()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


async def _stand(workers: int, folder: str) -> None:
    distributed = import_module("distributed")  # not by the worker processes, which load us too
    cluster = await distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        local_directory=folder,
        memory_limit=0,
        silence_logs=False,
        asynchronous=True,
    )
    print(cluster.scheduler_address, flush=True)  # noqa: T201 - this line is the interface
    await asyncio.Event().wait()


def main(workers: str, folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group: the server decides
    threading.Thread(target=_leave_with_input, args=(folder,), daemon=True).start()
    import_module("dask").config.set(CONFIG)
    asyncio.run(_stand(int(workers), folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
