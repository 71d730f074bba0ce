"""A connection to a Dask scheduler, and the calls that are in flight on it.

distributed is imported here, once a connection is asked for: it takes half a second.
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
from server.models.messages import Job, opened, pickled
from server.worker.carry import answer
from server.worker.timeline import Ran

FIRST_CALL_S = 5.0  # for a worker to be there, if the cluster is not ours
CLOSE_S = 0.5  # takes 5 ms; without a scheduler, Dask would go on knocking
FIRST = Job(int, (), {}, inf)
CONFIG = {
    "distributed.comm.timeouts.connect": local_cluster.CONNECT_S,
    "distributed.comm.timeouts.tcp": 11,  # the least; for a host that is gone without a word
    "distributed.admin.low-level-log-length": local_cluster.LOG_LENGTH,
}


class SchedulerGone(BrokenExecutor):
    """The scheduler died, or cannot be reached, and the call is lost with it."""


class GivenUp(BrokenExecutor):
    """The call killed as many workers as the scheduler of this cluster allows."""


class ClusterConnection:
    """Sends calls to the workers of a cluster, which have so many `threads` altogether.

    A cluster that is `ours` has our clock too: it does not begin what is past its deadline, and we
    hear when late calls end. From any other, a call that nobody waits for is withdrawn.
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
        """Send a call; its outcome may fail as those of executors do. Raises WorkFailed."""
        if not self.alive:
            raise SchedulerGone
        message = pickled(job if self._ours else job._replace(until=inf))
        future = self._client.submit(answer, message, pure=False, retries=0)
        away: Future[Ran] = Future()
        if self._ours:
            away.set_running_or_notify_cancel()  # from now on it cannot be cancelled
        away.add_done_callback(lambda _: future.release())
        call = asyncio.create_task(self._bring(future, away))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return away

    async def _bring(self, future: Any, away: Future[Ran]) -> None:
        brought: object
        try:
            brought = opened(await future)
        except self._killed:
            brought = BrokenExecutor() if self._ours else GivenUp()
        except (asyncio.CancelledError, CancelledError, OSError):
            brought = SchedulerGone()
        except Exception as error:  # noqa: BLE001 - whatever Dask raises ends the call
            brought = error if self.alive else SchedulerGone()
        if away.done():  # withdrawn
            return
        if isinstance(brought, Ran):
            away.set_result(brought)
        else:
            assert isinstance(brought, BaseException)
            away.set_exception(brought)

    def drop(self) -> None:
        """Fail all calls in flight: nothing will come back any more."""
        for call in self._calls:
            call.cancel()


@asynccontextmanager
async def connected(address: str, *, ours: bool) -> AsyncIterator[ClusterConnection]:
    """Connect to a scheduler and try a first call. Raises whatever prevents that."""
    import_module("dask").config.set(CONFIG)
    distributed = import_module("distributed")
    for name in local_cluster.QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # we tell what happens, and once
    client = distributed.Client(address, asynchronous=True, set_as_default=False)
    try:
        await client
        patience_s = local_cluster.START_S if ours else FIRST_CALL_S
        try:
            async with asyncio.timeout(patience_s):
                await client.submit(answer, pickled(FIRST), pure=False)
                threads = sum((await client.nthreads()).values())
        except TimeoutError:
            raise TimeoutError(f"no worker there took a call within {patience_s:g} s") from None
        connection = ClusterConnection(client, threads, ours=ours)
        try:
            yield connection
        finally:
            connection.drop()
    finally:
        with suppress(Exception):  # with its scheduler gone, Dask's client may not end in peace
            # In a task of its own: Dask swallows a cancellation that comes meanwhile.
            await asyncio.shield(client.close(timeout=CLOSE_S))
