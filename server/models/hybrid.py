"""The server's default: each stage of the work runs under the model that suits its kind."""

from __future__ import annotations

from typing import Any, ClassVar

from server.models.base import Arguments, Function, Model, Positional, Work
from server.models.processes import ProcessPool
from server.models.threads import ThreadPool
from server.settings import Settings
from server.worker.timeline import Timeline


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

    async def run(self, work: Work, arguments: Arguments, timeline: Timeline) -> Any:
        (kind, function), *later = work.stages
        value = await self._by_kind[kind].call(function, (), arguments, timeline)
        for kind, function in later:
            value = await self._by_kind[kind].call(function, (value,), {}, timeline)
        return value

    async def call(
        self, function: Function, positional: Positional, named: Arguments, timeline: Timeline
    ) -> Any:
        return await self._by_kind["cpu"].call(function, positional, named, timeline)
