"""What workers open once is closed when they end, under every model and start method."""

import asyncio
import sys
from collections import Counter

import pytest

from tests.server.lifecycle.test_serve import none_is_left
from tests.support.server_process import PYTHONS, Client, Running, asking, running

WORKLOADS = ("--workloads", "tests.support.opening_workloads")
SIZES = ("--threads", "3", "--processes", "2")
SCOPES = ("loop", "thread", "second", "process")  # in the order in which they are closed
SERVERS = [
    ("fork", "process-per-request,process-pool,thread-pool", sys.executable),
    ("spawn", "process-pool,supervised-process-pool", sys.executable),
    *(("forkserver", "all", python) for python in (sys.executable, *PYTHONS)),
]
OPENING = "tests/support/opening_workloads.py:"
ONCE = ("process-per-request", "thread-per-request")


def noted(server: Running) -> list[list[str]]:
    """What was opened and closed: the word, the scope, the process and the thread."""
    return [line.split() for line in server.gate.with_name("notes").read_text().splitlines()]


async def results(client: Client, path: str, count: int = 4) -> list[list[int]]:
    answers = await asyncio.gather(*(client.ask(path) for _ in range(count)))
    assert {answer.status for answer in answers} == {200}, [answer.text for answer in answers]
    return [answer.json["result"] for answer in answers]


@pytest.mark.parametrize(("method", "models", "python"), SERVERS)
async def test_what_workers_open_is_closed_when_they_end(
    method: str, models: str, python: str
) -> None:
    own = ("--start-method", method, "--models", models, *SIZES, *WORKLOADS)
    with running(*own, module="server", python=python) as server:
        async with asking(server) as client:
            for model in sorted(await client.started()):
                for path in ("select", "select_async"):
                    if (path, model) in {("select", "async"), ("select_async", "inline")}:
                        continue  # it cannot run
                    values = await results(client, f"/{path}/{model}")
                    assert model in ONCE or len({(pair[1], pair[2]) for pair in values}) <= 3
        server.process.terminate()
        assert await server.ended() == 0
        log = noted(server)
    opened = Counter((*where,) for what, *where in log if what == "open")
    closed = Counter((*where,) for what, *where in log if what == "close")
    assert opened == closed
    assert {scope for scope, _, _ in opened} == {*SCOPES}
    threads = {(scope, pid, thread): count for (scope, pid, thread), count in opened.items()}
    shared = {count for (_, pid, _), count in threads.items() if pid != f"{server.pid}"}
    assert shared == {1}, "each other process has one thread, and opens each thing once"
    for pid in {pid for _, pid, _ in opened} - {f"{server.pid}"}:
        order = [scope for what, scope, where, _ in log if what == "close" and where == pid]
        assert order == [scope for scope in SCOPES if scope in order], "in reverse order"


async def test_a_resource_that_cannot_be_opened_is_the_error_of_the_request() -> None:
    models = ("thread-pool", "process-pool", "async")
    with running("--models", ",".join(models), *SIZES, *WORKLOADS, module="server") as server:
        broken = server.gate.with_name("broken")
        async with asking(server) as client:
            broken.touch()
            for model in models:
                answer = await client.ask(f"/select_async/{model}")
                assert answer.status == 500
                message = answer.error["message"]
                assert message.startswith("the work raised CannotOpen: the resource 'pool' (")
                assert OPENING in message
                assert message.endswith(") cannot be opened: ConnectionRefusedError: no database")
            answers = await asyncio.gather(*(client.ask("/select/thread-pool") for _ in range(3)))
            for answer in answers:
                assert answer.error["message"].endswith("FileNotFoundError: no weights")
            broken.unlink()
            for model in models:
                await results(client, f"/select_async/{model}")
            misused = (await client.ask("/misuse/thread-pool")).error["message"]
            assert misused.endswith(
                'scope="loop" is for async def; use scope="thread" or "process"'
            )


async def test_what_one_opens_is_no_other_s() -> None:
    """Threads share a process's resource, of which there is one; a fork and a new thread do not."""
    with running("--models", "thread-pool,inline", *SIZES, *WORKLOADS, module="server") as server:
        async with asking(server) as client:
            values = await results(client, "/select/thread-pool", 12)
            assert len({model for _, model, _ in values}) == 1
            assert 1 < len({connection for _, _, connection in values}) <= 3
            assert (await client.ask("/ask_child/inline")).json["result"] is True
            assert (await client.ask("/ask_child/thread-pool")).json["result"] is True
            before = noted(server)
            await asyncio.gather(*(client.ask("/in_new_thread/inline") for _ in range(3)))
            after = noted(server)[len(before) :]
            assert [what for what, scope, *_ in after if scope == "thread"] == ["open", "close"] * 3
            assert sum(line[:2] == ["open", "process"] for line in noted(server)) == 1 + 2


async def test_what_fails_to_close_is_logged_and_ends_all_the_same() -> None:
    models = ("thread-pool", "supervised-process-pool", "process-pool")
    with running("--models", ",".join(models), *SIZES, *WORKLOADS, module="server") as server:
        processes = server.below()
        async with asking(server) as client:
            for model in models[:2]:
                assert (await client.ask(f"/close_badly/{model}")).status == 200
            assert (await client.ask("/close_never/process-pool")).status == 200
        server.process.terminate()
        assert await server.ended() == 0
        lines = server.complaints().splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "the resource 'unwilling' (" in line
        assert line.endswith(") was not closed: ConnectionResetError: gone already")
    await none_is_left(processes)
