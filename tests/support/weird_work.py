"""What the suites of weird work share: a server, one work after another, and a look at both."""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from server.tables import MODELS
from tests.support.server_process import (
    PATIENCE_S,
    PYTHONS,
    SHARED,
    Client,
    Running,
    asking,
    running,
    until,
)

METHODS = ("forkserver", "fork", "spawn")
SERVERS = [(method, python) for python in (sys.executable, *PYTHONS) for method in METHODS]
# Tests that share a server run in one process, as those in tests/conftest.py do.
NAMES = [
    f"shared-weird_{method}_{Path(python).parts[-3].strip('.').replace('.', '_')}"
    for method, python in SERVERS
]
LEFT_OUT = {  # it does not exist, and it takes long to load what it needs for each request
    ("fork", "supervised-process-pool"),
    ("spawn", "process-per-request"),
}
STARTED = ("process-per-request", "process-pool", "supervised-process-pool", "hybrid")
SOON_S = 2.0  # for a no-op: far longer than it takes, and less than any deadline here
DEADLINE_S = 4.0
LAZY = 8  # threads and descriptors that a server may start late


@dataclass(frozen=True, slots=True)
class Weird:
    """A request for odd work, and the promised answer: `words` is a pattern for all of it.

    Of a 200 it has to match the result, as JSON; of any other answer, the error's message.
    `writes` is a pattern for all that the work writes to standard error.
    """

    query: str
    status: int
    words: str = ""
    writes: str = ""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a server and its processes hold; no more of it may be left after any work."""

    processes: int
    threads: int
    descriptors: int
    files: frozenset[str]

    def hold(self, later: "Belongings", lazy: int) -> bool:
        """Whether later ones are within these, apart from what a server may start late."""
        return (
            later.processes <= self.processes
            and later.threads <= self.threads + lazy
            and later.descriptors <= self.descriptors + lazy
            and later.files <= self.files
        )


def models_under(method: str) -> list[str]:
    """The models to test under a start method: in all but one, only those that it changes."""
    if method == "forkserver":
        return list(MODELS)
    return [name for name in STARTED if (method, name) not in LEFT_OUT]


class Victim:
    """A server that runs weird work, with a folder of its own for temporary files."""

    def __init__(self, server: Running, folder: Path) -> None:
        self.server = server
        self.models: set[str] = set()
        self.others: set[str] = set()  # those that are asked at the same time
        self._folder = folder
        self._at_first: Belongings

    async def warm_up(self) -> None:
        """Let every model start what it starts for its first calls."""
        async with asking(self.server) as client:
            self.models = started = await client.started()
            self.others = started & {"thread-pool", "process-pool", "supervised-process-pool"}
            for model in started:
                calls = (client.ask(f"/noop/{model}") for _ in range(4))
                for answer in await asyncio.gather(*calls):
                    assert answer.status == 200, answer.text
        self._at_first = self._belongings()

    def _belongings(self) -> Belongings:
        """Count what the server holds, except connections of clients, and its processes.

        Its workers may hold anything: a forked one inherits what is open in that moment.
        """
        own, count = psutil.Process(self.server.pid), 1
        for process in self.server.below():
            with suppress(psutil.NoSuchProcess):  # a zombie: the work has not waited for it
                count += process.status() != psutil.STATUS_ZOMBIE
        descriptors = own.num_fds() - len(own.net_connections("tcp"))
        files = (f"{path}" for path in self._folder.rglob("*") if "-dask-" not in f"{path}")
        return Belongings(count, own.num_threads(), descriptors, frozenset(files))

    async def survives(
        self, client: Client, model: str, works: Sequence[Weird], lazy: int = LAZY
    ) -> None:
        """Ask for one weird work after another, and look at what is left of all of them."""
        now = self._belongings()  # other works may have made it start more
        before = replace(
            self._at_first,
            threads=max(self._at_first.threads, now.threads),
            descriptors=max(self._at_first.descriptors, now.descriptors),
        )
        for work in works:
            await self._survives(client, model, work)
        assert len(works) > lazy, "too few to notice what each one leaves"
        if "busy" in await client.gauges(model):
            await client.until(model, busy=0)

        async def no_more() -> bool:
            return before.hold(self._belongings(), lazy)

        try:
            await until(no_more)
        except TimeoutError:
            pytest.fail(f"{before} became {self._belongings()}")

    async def _survives(self, client: Client, model: str, work: Weird) -> None:
        """Ask for weird work beside other requests, and for a no-op after it."""
        written = self.server.errors.stat().st_size
        path, _, query = work.query.partition("?")
        others = asyncio.gather(*(client.ask(f"/noop/{name}") for name in {model, *self.others}))
        answer = await client.ask(f"/{path}/{model}?{query}")
        if answer.status == 200:
            text = json.dumps(answer.json["result"])
        else:
            text = answer.error["message"]
        assert answer.status == work.status, f"{work}: {answer.status} {text[:300]}"
        assert re.search(work.words, text, re.DOTALL), f"{work}: {text[:300]}"
        async with asyncio.timeout(SOON_S):
            assert (await client.ask(f"/noop/{model}")).status == 200, work
        assert {other.status for other in await others} == {200}, work
        with self.server.errors.open() as errors:
            errors.seek(written)
            text = errors.read()
            assert re.fullmatch(work.writes, text, re.DOTALL), f"{work}: {text}"


@contextmanager
def victim(method: str, python: str, modules: str, *options: str) -> Iterator[Victim]:
    """Run a server with these workloads; nothing of it is left once SIGTERM has ended it."""
    with tempfile.TemporaryDirectory(prefix="weird-") as folder:
        sizes = ("--processes", "2", "--threads", "2", "--deadline", f"{DEADLINE_S:g}s")
        settings = ("--start-method", method, "--workloads", modules, *sizes, *options)
        with running(*settings, module="server", python=python, temporary=folder) as server:
            session = server.pid
            own = Victim(server, Path(folder))
            asyncio.run(own.warm_up())
            yield own
            mapped = server.mapped()
            server.process.terminate()  # here, because what the work wrote is not a complaint
            assert server.process.wait(PATIENCE_S) == 0

        left = set[str]()

        async def none_is_left() -> bool:
            left.clear()
            left.update(files_in(folder))
            shared = {entry.inode(): entry.name for entry in os.scandir(SHARED)}
            left.update(shared[inode] for inode in mapped & shared.keys())
            left.update(_of_session(session))
            return not left

        try:
            asyncio.run(until(none_is_left))
        except TimeoutError:
            pytest.fail(f"left behind: {left}")


def files_in(folder: str) -> list[str]:
    """List all that is in a folder, at any depth."""
    return [f"{path}" for path in Path(folder).rglob("*")]


def _of_session(session: int) -> Iterator[str]:
    """Yield the processes of a session that are left: each server begins one of its own."""
    for process in psutil.process_iter():
        with suppress(OSError, psutil.NoSuchProcess):
            state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            if int(state[3]) == session and state[0] != "Z":
                yield f"{process.pid} {process.cmdline()}"
