"""The server's default: each stage of the work runs under the model that suits its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from server.models.base import Arguments, Function, Model, Positional, Work
from server.models.processes import ProcessPool
from server.models.threads import ThreadPool
from server.settings import Settings
from server.worker.results import Stage
from server.worker.timeline import Timeline

Stages = tuple[tuple[str, Callable[..., Any]], ...]


class Hybrid(Model):
    doc = "Each stage by its kind: I/O on the thread pool, CPU on the process pool."
    promises: ClassVar = ThreadPool.promises | ProcessPool.promises
    needs = ("inline", "thread-pool", "process-pool")

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        return ProcessPool.missing(settings)

    def __init__(self, settings: Settings, inline: Model, threads: Model, processes: Model) -> None:
        super().__init__(settings)
        self._by_kind = {
            "none": inline,  # offloading would cost more than the work
            "io": threads,
            "payload": threads,  # threads share memory: nothing is pickled
            "mixed": threads,  # no stages are declared, so none is known to compute
            "cpu": processes,
        }

    def impossible(self, work: Work) -> str | None:
        parts = (
            self._by_kind[kind].impossible(Work(function, None, ()))
            for kind, function in work.stages
        )
        return next(filter(None, parts), None)

    async def run(self, work: Work, arguments: Arguments, timeline: Timeline) -> Any:
        (kind, function), *later = work.stages
        if later:
            return await self._chain(work.stages, arguments, timeline)
        return await self._by_kind[kind].call(function, (), arguments, timeline)

    async def _chain(self, stages: Stages, arguments: Arguments, timeline: Timeline) -> Any:
        """Run one stage after the other; no value between them is unpickled on the event loop."""
        positional: tuple[Any, ...] = ()
        for number, (kind, function) in enumerate(stages, 1):
            following = stages[number][0] if number < len(stages) else None
            stage = Stage(function, last=following is None, pickles=following == "cpu")
            value = await self._by_kind[kind].call(stage, positional, arguments, timeline)
            positional, arguments = (value,), {}
        return value

    async def call(
        self, function: Function, positional: Positional, named: Arguments, timeline: Timeline
    ) -> Any:
        return await self._by_kind["cpu"].call(function, positional, named, timeline)
