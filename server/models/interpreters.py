"""Sub-interpreters: threads of this process, each with an interpreter and a GIL of its own.

While a sub-interpreter is alive, a process forked from this one dies with a segmentation fault
(python/cpython#139759), so they are never combined with the start method fork, and work in this
process cannot fork beside them. Otherwise a `multiprocessing.Pool` would start children for ever.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import platform
import sys
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic
from typing import ClassVar, NoReturn

from server.admission.bulkhead import Visit
from server.models.base import CRASHES_SERVER, Promises
from server.models.messages import Job
from server.models.offloaded import Offloaded
from server.settings import Settings
from server.worker.carry import carry_interpreted
from server.worker.errands import in_own_thread
from server.worker.resources import CLOSE_S
from server.worker.results import Pickled, rewritten
from server.worker.timeline import Ran, Timeline

START_S = 30  # as for processes: an interpreter that has not started by then never will


class InterpreterPool(Offloaded):
    doc = "In a bounded pool of sub-interpreters, one GIL each (Python ≥ 3.14)."
    promises: ClassVar = Promises(
        {
            **dict.fromkeys(
                ("kills_late", "kills_abandoned"),
                "an interpreter cannot be stopped from outside: it is busy until its work ends",
            ),
            "survives_crash": CRASHES_SERVER,
        }
    )

    sized_by = "processes"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.processes)
        self._executor: concurrent.futures.ThreadPoolExecutor

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        if sys.version_info < (3, 14):
            return f"it needs Python ≥ 3.14, and this is {platform.python_version()}"
        if settings.start_method == "fork" and settings.models != ("interpreter-pool",):
            return (
                "it cannot be combined with fork, whose children crash (python/cpython#139759): "
                "use --start-method forkserver, or --models interpreter-pool alone"
            )
        return None

    async def start(self) -> None:
        await asyncio.to_thread(self._start_all)

    def _start_all(self) -> None:
        os.fork = os.forkpty = _refuse_fork  # which multiprocessing looks up each time
        self._executor = concurrent.futures.InterpreterPoolExecutor(  # type: ignore[attr-defined]  # 3.14
            self.settings.processes,
            thread_name_prefix="interpreter",
            initializer=_prepare,
            initargs=(list(sys.path), self.settings.preload()),
        )
        # The executor starts an interpreter for each call that finds none idle.
        calls = [self._submit(Job(int, (), {}, inf)) for _ in range(self.settings.processes)]
        concurrent.futures.wait(calls, START_S)
        for call in calls:
            call.result(0)

    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        ran = await self.submit_and_wait(lambda: self._submit(job), timeline, visit)
        if type(ran.result) is Pickled:
            return await self._written(ran, timeline)
        return ran

    async def _written(self, ran: Ran, timeline: Timeline) -> Ran:
        """Write a result as JSON, which an interpreter cannot do; raises Expired."""
        deadlines = self.bulkhead.deadlines
        writing = in_own_thread(rewritten, ran.result)
        try:
            result, failure = await asyncio.wait_for(
                writing, deadlines.remaining(timeline.accepted)
            )
        except TimeoutError:
            raise deadlines.late("was not done by") from None
        return ran._replace(result=result, failure=failure, finished=monotonic())

    def _submit(self, job: Job) -> concurrent.futures.Future[bytes]:
        return self._executor.submit(carry_interpreted, *job)

    async def stop(self) -> None:
        """Wait a moment for interpreters that are idle: they close what they have opened."""
        end = partial(self._executor.shutdown, cancel_futures=True)
        with suppress(TimeoutError, RuntimeError):  # one is stuck, or no thread can be started
            await asyncio.wait_for(in_own_thread(end), CLOSE_S)


def _refuse_fork() -> NoReturn:
    raise RuntimeError(
        "the server cannot fork beside sub-interpreters, because the child would crash "
        "(python/cpython#139759): use multiprocessing with forkserver or spawn, run this under a "
        "model with processes, or start the server without interpreter-pool (--models)"
    )


def _prepare(path: list[str], modules: tuple[str, ...]) -> None:
    """Let an interpreter import what the server can, and preload what the first call needs.

    It is sent as code, before the interpreter can import anything of ours, so it uses no global
    name. Modules that an interpreter cannot load, e.g. numpy, fail only the calls that need them.
    """
    import sys  # noqa: PLC0415 - runs in another interpreter
    from contextlib import suppress  # noqa: PLC0415 - likewise
    from importlib import import_module  # noqa: PLC0415 - likewise

    sys.path[:] = path
    sys.stdout = sys.stderr  # which is not buffered: each line is in the log at once
    for module in modules:
        with suppress(ImportError):
            import_module(module)
