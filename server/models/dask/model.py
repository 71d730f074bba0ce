"""Dask: a cluster of its own on this host, or one that already runs somewhere.

    request ── bulkhead ── connection ──(batches, every 10 ms)── scheduler ── worker
                               ▲                                     │
                               └── connected again ◄── end of file: it is gone

The scheduler may die at any moment. Calls in flight are then answered at once, later requests are
refused, and the server starts the cluster again, or reconnects to it, until it is back. No other
model is affected.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from time import monotonic
from typing import ClassVar

from server.admission.bulkhead import Visit
from server.errors import Refused, WorkFailed, log
from server.models.base import Promises
from server.models.dask import local_cluster
from server.models.dask.connection import ClusterConnection, GivenUp, SchedulerGone, connected
from server.models.messages import Job
from server.models.offloaded import Offloaded
from server.settings import Settings
from server.worker.errands import in_own_thread
from server.worker.timeline import Ran, Timeline

AHEAD = 7  # calls that Dask holds for each worker, because client and scheduler send batches:
# 0 give 0.4 of the rate of no-ops without a bound, 3 give 0.8, 7 give 0.95
COVER_S = 0.025  # of work: twice the 10 ms between two batches, and a little more
LOOK_S = 0.1
PAUSE_S = 0.2  # before the next attempt to connect; doubled each time
LONGEST_PAUSE_S = 3.0


class Dask(Offloaded):
    doc = "On a Dask cluster: one on this host, or the one at --dask."
    promises: ClassVar = Promises(
        dict.fromkeys(
            ("kills_late", "cancels_queued", "kills_abandoned"),
            "Dask runs every call that it was sent, and cannot stop one",
        )
    )
    by_default = False
    sized_by = "processes"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.processes, AHEAD * settings.processes, COVER_S)
        self._ours = settings.dask is None
        self._connection: ClusterConnection | None = None
        self._why = ""  # why it is not connected, or never will be
        self._tried = asyncio.Event()

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        if find_spec("distributed") is None:
            return "it needs distributed: pip install 'loadbearing[dask]'"
        return None

    async def start(self) -> None:
        """Connect, or find out why not: a scheduler that is not there yet may come later."""
        self._keeping = asyncio.create_task(self._keep_connected())
        await self._tried.wait()

    async def _keep_connected(self) -> None:
        pause_s, times = PAUSE_S, 0
        while True:
            try:
                async with self._connect() as connection:
                    pause_s, times = PAUSE_S, times + 1
                    self.restarted = times - 1
                    self._tried.set()
                    while connection.alive:  # noqa: ASYNC110 - Dask has no event for its end
                        await asyncio.sleep(LOOK_S)
                    log.warning("%s. %s", self._why, self._hint)
            except Exception as error:  # noqa: BLE001 - starting and connecting run Dask's code
                self._why = f"cannot reach a Dask cluster: {' '.join(str(error).split())}"
                if not self._tried.is_set():
                    log.warning("%s. %s", self._why, self._hint)
                    self._tried.set()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[ClusterConnection]:
        """Connect to the cluster at --dask, or to one that is started here."""
        async with AsyncExitStack() as stack:
            loading = in_own_thread(import_module, "distributed")
            if self.settings.dask is None:
                starting = stack.enter_async_context(local_cluster.cluster(self.settings.processes))
                address, _ = await asyncio.gather(starting, loading)
            else:
                address, _ = self.settings.dask, await loading
            connection = await stack.enter_async_context(connected(address, ours=self._ours))
            self._why = f"the Dask scheduler at {address} is gone"
            workers = connection.threads
            self.bulkhead.resize(self.settings, workers, AHEAD * workers)
            self.finished.clear()
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        begun = monotonic()
        try:
            ran = await self.submit_and_wait(lambda: self._submit(job), timeline, visit)
        except SchedulerGone:
            raise Refused(self._why, self._hint) from None
        except GivenUp:
            raise WorkFailed(
                "the worker died under this request, and so did the workers of Dask's retries",
                "The work may crash its interpreter, or run out of memory.",
            ) from None
        ran = _on_our_clock(ran, begun)
        self.queued_behind_previous(ran, timeline)
        return ran

    def _submit(self, job: Job) -> Future[Ran]:
        if self._connection is None:
            raise SchedulerGone
        return self._connection.submit(job)

    @property
    def _hint(self) -> str:
        if self._ours:
            return "The server is restarting it: retry in a few seconds."
        return (
            "Start a scheduler there, and workers that can import the server's modules: "
            "the server connects by itself."
        )

    async def stop(self) -> None:
        if self._ours and self._connection:
            await self._connection.close_workers()
        self._keeping.cancel()
        await asyncio.wait([self._keeping])


def _on_our_clock(ran: Ran, begun: float) -> Ran:
    """Shift the stamps of another host's clock; all time outside the run counts as dispatch."""
    now = monotonic()
    if begun <= ran.started <= ran.finished <= now:
        return ran
    return ran._replace(started=max(begun, now - (ran.finished - ran.started)), finished=now)
