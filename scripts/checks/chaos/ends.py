"""A server that ends under load leaves nothing behind, and on SIGTERM loses no accepted request."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import Outcome, ask, session, statuses
from scripts.checks.chaos.faulty_workloads import WORKLOADS, own_folder

MODELS = ("thread-pool", "process-pool", "supervised-process-pool", "process-per-request")
OPTIONS = ("--port", "0", "--models", ",".join(MODELS), "--workloads", WORKLOADS)
CLIENTS = 12
LOAD_S = 0.5
END_S = 20.0
LEFT_S = 2.0


def terms(count: int) -> Iterator[str]:
    """SIGTERM under load. Raises AssertionError if an accepted request has no answer."""
    answered = unanswered = 0
    for _ in range(count):
        with own_folder() as (temporary, marks), ServerProcess(OPTIONS) as server:
            outcomes, code, below = asyncio.run(_end(server, signal.SIGTERM))
            correct = sum(outcome.status == 200 for outcome in outcomes)
            ran = marks.stat().st_size
            assert code == 0, f"the server ended with {code}"
            assert ran == correct, (
                f"{ran} requests ran, and {correct} were answered: {statuses(outcomes)}"
            )
            assert {outcome.status for outcome in outcomes} <= {200, 503, 0}, statuses(outcomes)
            _nothing_left(below, temporary)
            answered, unanswered = answered + correct, unanswered + len(outcomes) - correct
    yield (
        f"SIGTERM under load, {count} times: {answered:,} requests were accepted and all answered; "
        f"{unanswered} came too late and were refused; exit code 0, no process, no file left"
    )


def murders(count: int) -> Iterator[str]:
    """SIGKILL under load. Raises AssertionError if anything is left after two seconds."""
    for _ in range(count):
        # Its resource tracker complains about what it cleans up; those messages go to a file.
        with (
            own_folder() as (temporary, marks),
            ServerProcess(OPTIONS, marks.with_name("errors")) as server,
        ):
            _, _, below = asyncio.run(_end(server, signal.SIGKILL))
            _nothing_left(below, temporary)
    yield (
        f"SIGKILL under load, {count} times: of {len(below)} processes none was left after "
        f"{LEFT_S:g} s, and no temporary file"
    )


async def _end(
    server: ServerProcess, number: int
) -> tuple[list[Outcome], int | None, list[psutil.Process]]:
    """Send the signal under load; returns outcomes, the exit code and the child processes."""
    outcomes: list[Outcome] = []
    clients = [
        asyncio.create_task(_client(server.url, number, outcomes)) for number in range(CLIENTS)
    ]
    await asyncio.sleep(LOAD_S)
    process = psutil.Process(server.pid)
    below = process.children(recursive=True)
    os.kill(server.pid, number)
    code = await asyncio.to_thread(process.wait, END_S)
    await asyncio.gather(*clients)
    return outcomes, code, below


async def _client(url: str, number: int, outcomes: list[Outcome]) -> None:
    """Ask again and again, until no answer comes."""
    async with session(url) as client:
        status = 200
        while status:
            outcome = await ask(client, f"/mark/{MODELS[number % len(MODELS)]}")
            outcomes.append(outcome)
            status = outcome.status


def _nothing_left(below: list[psutil.Process], temporary: Path) -> None:
    _, remain = psutil.wait_procs(below, LEFT_S)
    alive = [process for process in remain if _lives(process)]
    assert not alive, f"processes are left: {alive}"
    files = [str(path.relative_to(temporary)) for path in temporary.rglob("*")]
    assert not files, f"temporary files are left: {files}"


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; a process that has ended may remain until its new parent collects it."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
