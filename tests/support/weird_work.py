"""What the suites of weird work share: a server, one work after another, and a look at both."""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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

    def hold(self, later: "Belongings") -> bool:
        """Whether later ones are within these, apart from what a server may start late."""
        return (
            later.processes <= self.processes
            and later.threads <= self.threads + LAZY
            and later.descriptors <= self.descriptors + LAZY
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
        """Count what the server and its processes hold, except connections of clients."""
        threads = descriptors = count = 0
        for process in (psutil.Process(self.server.pid), *self.server.below()):
            with suppress(psutil.NoSuchProcess):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue  # the work has not waited for it
                threads += process.num_threads()
                descriptors += process.num_fds() - len(process.net_connections("tcp"))
                count += 1
        files = (f"{path}" for path in self._folder.rglob("*") if "-dask-" not in f"{path}")
        return Belongings(count, threads, descriptors, frozenset(files))

    async def survives(self, client: Client, model: str, works: Sequence[Weird]) -> None:
        """Ask for one weird work after another, and look at what is left of all of them."""
        for work in works:
            await self._survives(client, model, work)
        assert len(works) > LAZY, "too few to notice what each one leaves"
        if "busy" in await client.gauges(model):
            await client.until(model, busy=0)

        async def no_more() -> bool:
            return self._at_first.hold(self._belongings())

        try:
            await until(no_more)
        except TimeoutError:
            pytest.fail(f"{self._at_first} became {self._belongings()}")

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
            assert re.fullmatch(work.writes, errors.read(), re.DOTALL), work


@contextmanager
def victim(method: str, python: str, modules: str, *options: str) -> Iterator[Victim]:
    """Run a server with these workloads; nothing of it is left once SIGTERM has ended it."""
    with (
        tempfile.TemporaryDirectory(prefix="weird-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", folder)
        sizes = ("--processes", "2", "--threads", "2", "--deadline", f"{DEADLINE_S:g}s")
        settings = ("--start-method", method, "--workloads", modules, *sizes, *options)
        with running(*settings, module="server", python=python) as server:
            session = server.pid
            own = Victim(server, Path(folder))
            asyncio.run(own.warm_up())
            yield own
            mapped = server.mapped()
            server.process.terminate()  # here, because what the work wrote is not a complaint
            assert server.process.wait(PATIENCE_S) == 0

        async def none_is_left() -> bool:
            shared = {entry.inode() for entry in os.scandir(SHARED)}
            with os.scandir(folder) as left:
                return not (any(left) or mapped & shared or _any_of(session))

        asyncio.run(until(none_is_left))


def _any_of(session: int) -> bool:
    """Whether any process of a session is left: each server begins one of its own."""
    for pid in psutil.pids():
        with suppress(OSError):
            state, _, _, of, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if int(of) == session and state != "Z":
                return True
    return False
