"""A connection to a Dask scheduler, and the calls that are in flight on it.

distributed takes half a second to import, so it is imported only when a connection is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from math import inf
from typing import Any

from server.models.dask import local_cluster
from server.models.messages import Job, pickled, received
from server.worker.carry import answer
from server.worker.resources import CLOSE_S, close_all
from server.worker.timeline import Ran

FIRST_CALL_S = 5.0  # for a worker to take a call, on a cluster that is not ours
CLOSE_CLIENT_S = 0.5  # takes 5 ms; without a scheduler, Dask would keep trying to reach it
FIRST = Job(int, (), {}, inf)
LAST = Job(close_all, (), {}, inf)
CONFIG = {
    "distributed.comm.timeouts.connect": local_cluster.CONNECT_S,
    "distributed.comm.timeouts.tcp": 11,  # the least; for a host that disappears silently
    "distributed.admin.low-level-log-length": local_cluster.LOG_LENGTH,
}


class SchedulerGone(BrokenExecutor):
    """The scheduler died, or cannot be reached, and the call is lost."""


class GivenUp(BrokenExecutor):
    """The call crashed as many workers as the scheduler of this cluster allows."""


class ClusterConnection:
    """Sends calls to the workers of a cluster, which have `threads` threads in total.

    A cluster of our own (`ours`) shares our clock, so its workers do not start calls past their
    deadline, and it reports when late calls end. On any other cluster, abandoned calls are
    cancelled.
    """

    def __init__(self, client: Any, threads: int, *, ours: bool) -> None:
        self._client = client
        self._killed: type[Exception] = import_module("distributed").KilledWorker
        self.threads = threads
        self._ours = ours
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def alive(self) -> bool:
        return bool(self._client.status == "running")

    def submit(self, job: Job) -> Future[Ran]:
        """Send a call; its future fails as those of executors do. Raises WorkFailed."""
        if not self.alive:
            raise SchedulerGone
        message = pickled(job if self._ours else job._replace(until=inf))
        future = self._client.submit(answer, message, pure=False, retries=0)
        remote: Future[Ran] = Future()
        if self._ours:
            remote.set_running_or_notify_cancel()  # from now on it cannot be cancelled
        remote.add_done_callback(lambda _: future.release())
        call = asyncio.create_task(self._wait_for(future, remote))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return remote

    async def _wait_for(self, future: Any, remote: Future[Ran]) -> None:
        outcome: object
        try:
            outcome = received(await future)
        except self._killed:
            outcome = BrokenExecutor() if self._ours else GivenUp()
        except (asyncio.CancelledError, CancelledError, OSError):
            outcome = SchedulerGone()
        except Exception as error:  # noqa: BLE001 - whatever Dask raises ends the call
            outcome = error if self.alive else SchedulerGone()
        if remote.done():  # cancelled
            return
        if isinstance(outcome, Ran):
            remote.set_result(outcome)
        else:
            assert isinstance(outcome, BaseException)
            remote.set_exception(outcome)

    async def close_workers(self) -> None:
        """Let each worker close what its calls have opened, in the thread that ran them."""
        with suppress(Exception):  # busy, or gone: Dask may raise anything
            async with asyncio.timeout(CLOSE_S):
                calls = [
                    self._client.submit(answer, pickled(LAST), pure=False, workers=[address])
                    for address in await self._client.nthreads()
                ]
                await self._client.gather(calls)

    def drop(self) -> None:
        """Fail all calls in flight: there will be no more answers."""
        for call in self._calls:
            call.cancel()


@asynccontextmanager
async def connected(address: str, *, ours: bool) -> AsyncIterator[ClusterConnection]:
    """Connect to a scheduler and make a first call. Raises whatever prevents that."""
    import_module("dask").config.set(CONFIG)
    distributed = import_module("distributed")
    for name in local_cluster.QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # the server logs what happens, once
    client = distributed.Client(address, asynchronous=True, set_as_default=False)
    try:
        await client
        patience_s = local_cluster.START_S if ours else FIRST_CALL_S
        try:
            async with asyncio.timeout(patience_s):
                await client.submit(answer, pickled(FIRST), pure=False)
                threads = sum((await client.nthreads()).values())
        except TimeoutError:
            raise TimeoutError(f"no worker there accepted a call within {patience_s:g} s") from None
        connection = ClusterConnection(client, threads, ours=ours)
        try:
            yield connection
        finally:
            connection.drop()
    finally:
        with suppress(Exception):  # without its scheduler, Dask's client may fail to close
            # In a task of its own, because Dask swallows a cancellation that comes meanwhile.
            await asyncio.shield(client.close(timeout=CLOSE_CLIENT_S))
