"""What the suites of weird work share: a server, one work after another, and a look at both."""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
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
NAMES = [f"{method}-{Path(python).parts[-3].strip('.')}" for method, python in SERVERS]
NOT_FORKED = {"supervised-process-pool", "interpreter-pool"}  # and not beside forked processes
SOON_S = 2.0  # for a no-op: far longer than it takes, and less than any deadline here
DEADLINE_S = 4.0
LAZY = 8  # threads and descriptors that a server starts late; every table has more works than that


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
        """Whether the later ones are no more, but for what pools start only when they need it."""
        return (
            later.processes <= self.processes
            and later.threads <= self.threads + LAZY
            and later.descriptors <= self.descriptors + LAZY
            and later.files <= self.files
        )


def models_under(method: str) -> list[str]:
    """The models that one server can have together under a start method."""
    barred = NOT_FORKED if method == "fork" else set()
    return [name for name in MODELS if name not in barred]


class Victim:
    """A server that runs weird work, with a folder of its own for temporary files."""

    def __init__(self, server: Running, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self._at_first: Belongings

    async def warm_up(self) -> None:
        """Let every model start what it starts for its first calls."""
        async with asking(self.server) as client:
            models = [*await client.started()] * 4
            answers = await asyncio.gather(*(client.ask(f"/noop/{model}") for model in models))
            assert {answer.status for answer in answers} == {200}
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

    async def survives(self, client: Client, model: str, work: Weird) -> None:
        """Ask for weird work beside other requests, and look at what is left after it."""
        written = self.server.errors.stat().st_size
        path, _, query = work.query.partition("?")
        models = await client.started()
        others = asyncio.gather(*(client.ask(f"/noop/{name}") for name in models))
        answer = await client.ask(f"/{path}/{model}?{query}")
        assert {other.status for other in await others} == {200}, work
        found = answer.json["result"] if answer.status == 200 else answer.error["message"]
        text = json.dumps(found) if answer.status == 200 else found
        assert answer.status == work.status, f"{work}: {answer.status} {text[:300]}"
        assert re.search(work.words, text, re.DOTALL), f"{work}: {text[:300]}"
        async with asyncio.timeout(SOON_S):
            assert (await client.ask(f"/noop/{model}")).status == 200, work
        if "busy" in await client.gauges(model):
            await client.until(model, busy=0)
        await self._holds_no_more(work)
        with self.server.errors.open() as errors:
            errors.seek(written)
            assert re.fullmatch(work.writes, errors.read(), re.DOTALL), work

    async def _holds_no_more(self, work: Weird) -> None:
        async def so() -> bool:
            return self._at_first.hold(self._belongings())

        try:
            await until(so)
        except TimeoutError:
            pytest.fail(f"{work} left more: {self._at_first} became {self._belongings()}")


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
            return not (any(os.scandir(folder)) or mapped & shared or _any_of(session))

        asyncio.run(until(none_is_left))


def _any_of(session: int) -> bool:
    """Whether any process of a session is left: each server begins one of its own."""
    for pid in psutil.pids():
        with suppress(OSError):
            state, _, _, of, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if int(of) == session and state != "Z":
                return True
    return False
