"""The end of a server under load, by SIGTERM or by force: who gets no answer, and what is left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from loadtests.service.process import ServerProcess
from scripts.checks.chaos.clients import Got, ask, session, statuses
from scripts.checks.chaos.folders import own_folder
from scripts.checks.chaos.misbehaving import WORKLOADS

MODELS = ("thread-pool", "process-pool", "supervised-process-pool", "process-per-request")
OPTIONS = ("--port", "0", "--models", ",".join(MODELS), "--workloads", WORKLOADS)
CLIENTS = 12
LOAD_S = 0.5
END_S = 20.0
LEFT_S = 2.0


def terms(count: int) -> Iterator[str]:
    """SIGTERM under load. Raises AssertionError where an accepted request has no answer."""
    answered = unanswered = 0
    for _ in range(count):
        with own_folder() as (temporary, marks), ServerProcess(OPTIONS) as subject:
            got, code, below = asyncio.run(_end(subject, signal.SIGTERM))
            right = sum(one.status == 200 for one in got)
            ran = marks.stat().st_size
            assert code == 0, f"the server ended with {code}"
            assert ran == right, f"{ran} requests ran, and {right} were answered: {statuses(got)}"
            assert {one.status for one in got} <= {200, 503, 0}, statuses(got)
            _nothing_left(below, temporary)
            answered, unanswered = answered + right, unanswered + len(got) - right
    yield (
        f"SIGTERM under load, {count} times: {answered:,} requests were accepted and all answered; "
        f"{unanswered} came too late and were refused; exit code 0, no process, no file left"
    )


def murders(count: int) -> Iterator[str]:
    """SIGKILL under load. Raises AssertionError where something is left after two seconds."""
    for _ in range(count):
        # What is left to clear away, its own resource tracker complains of: to nobody's use here.
        with (
            own_folder() as (temporary, marks),
            ServerProcess(OPTIONS, marks.with_name("errors")) as subject,
        ):
            _, _, below = asyncio.run(_end(subject, signal.SIGKILL))
            _nothing_left(below, temporary)
    yield (
        f"SIGKILL under load, {count} times: of {len(below)} processes none was left after "
        f"{LEFT_S:g} s, and no temporary file"
    )


async def _end(
    subject: ServerProcess, number: int
) -> tuple[list[Got], int | None, list[psutil.Process]]:
    """Send the signal under load; gives what clients got, the exit code, and who was below."""
    got: list[Got] = []
    clients = [asyncio.create_task(_client(subject.url, one, got)) for one in range(CLIENTS)]
    await asyncio.sleep(LOAD_S)
    server = psutil.Process(subject.pid)
    below = server.children(recursive=True)
    os.kill(subject.pid, number)
    code = await asyncio.to_thread(server.wait, END_S)
    await asyncio.gather(*clients)
    return got, code, below


async def _client(url: str, number: int, got: list[Got]) -> None:
    """Ask again and again, until there is no answer."""
    async with session(url) as client:
        status = 200
        while status:
            one = await ask(client, f"/mark/{MODELS[number % len(MODELS)]}")
            got.append(one)
            status = one.status


def _nothing_left(below: list[psutil.Process], temporary: Path) -> None:
    _, remain = psutil.wait_procs(below, LEFT_S)
    alive = [one for one in remain if _lives(one)]
    assert not alive, f"processes are left: {alive}"
    files = [str(path.relative_to(temporary)) for path in temporary.rglob("*")]
    assert not files, f"temporary files are left: {files}"


def _lives(process: psutil.Process) -> bool:
    """Whether it runs: one that has ended may wait for long until its new parent looks."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
