"""Workers are free soon after the deadline of endless work, or after its client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from time import monotonic

import psutil

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import ask, gauges, session
from scripts.checks.chaos.faulty_workloads import WORKLOADS, own_folder

KILLING = ("supervised-process-pool", "process-per-request")
LASTING = ("thread-pool", "process-pool")
DEADLINE_S = 1.0
LASTS_S = 6
CLIENTS = 4
LOOK_S = 0.002
COMPUTES_S = 0.1
PAUSE_S = 1.0  # slow enough for every hang-up to kill its worker at once


class Mark:
    """The process id that a workload has written."""

    def __init__(self, marks: Path) -> None:
        self._marks = marks
        marks.write_text("")

    def pid(self) -> int:
        return int(self._marks.read_text() or 0)

    async def is_there(self) -> bool:
        return self.pid() > 0


async def until(true: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something is true; returns the seconds that this took."""
    begun = monotonic()
    async with asyncio.timeout(30):
        while not await true():  # noqa: ASYNC110 - another process will not set an event
            await asyncio.sleep(LOOK_S)
    return monotonic() - begun


def loops() -> Iterator[str]:
    """Endless work for all workers. Raises AssertionError if a guarantee is broken."""
    for model in (*KILLING, *LASTING):
        options = ("--threads", str(CLIENTS), "--processes", "2", "--workloads", WORKLOADS)
        models = ("--models", f"{model},inline", "--deadline", f"{DEADLINE_S}s")
        with own_folder(), ServerProcess(("--port", "0", *options, *models)) as server:
            yield asyncio.run(_loops(server.url, model))


async def _loops(url: str, model: str) -> str:
    async with session(url) as client:
        slots = (await gauges(client, model))["slots"]
        begun = monotonic()
        path = f"/spin/{model}" + (f"?seconds={LASTS_S}" if model in LASTING else "")
        outcomes = await asyncio.gather(*(ask(client, path) for _ in range(slots)))
        assert {outcome.status for outcome in outcomes} == {504}, "endless work was answered"

        async def free() -> bool:
            return (await ask(client, f"/noop/{model}")).status == 200

        if model in LASTING:
            held = (await gauges(client, model))["abandoned"]
            async with client.get(f"/noop/{model}") as answer:
                message = (await answer.json())["error"]["message"]
            others = [await ask(client, "/noop/inline") for _ in range(20)]
            assert held == slots, "the server does not know that its workers are lost"
            assert {outcome.status for outcome in others} == {200}, "others were not answered"
        await until(free)
        back_s = monotonic() - begun - (LASTS_S if model in LASTING else DEADLINE_S)
        assert back_s <= 1, "the worker was not back within a second"
        if model in LASTING:
            return (
                f"{model}: all {held} workers held, and the server says so: {message!r}; "
                "others were answered"
            )
        return f"{model}: {slots} workers back {back_s:.2f} s after the deadline"


def hang_ups(count: int) -> Iterator[str]:
    """Clients that disconnect. Raises AssertionError if their work goes on for long."""
    for model in KILLING:
        options = ("--port", "0", "--models", model, "--workloads", WORKLOADS)
        with own_folder() as (_, marks), ServerProcess(options) as server:
            took = asyncio.run(_hang_ups(server, model, count, marks))
        worst = 1e3 * max(took)
        yield f"{model}: {count} clients disconnected; their work had ended within {worst:.0f} ms"
        assert worst <= 100, "work went on for longer than 100 ms"


async def _hang_ups(server: ServerProcess, model: str, count: int, marks: Path) -> list[float]:
    took = []
    async with session(server.url) as client:
        for _ in range(count):
            mark = Mark(marks)
            request = asyncio.create_task(ask(client, f"/spin/{model}"))
            await until(mark.is_there)
            worker = psutil.Process(mark.pid())
            await asyncio.sleep(COMPUTES_S)
            request.cancel()

            async def gone(worker: psutil.Process = worker) -> bool:
                return not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE

            took.append(await until(gone))
            await asyncio.sleep(PAUSE_S)
    return took
