"""Real server processes for tests: started on a free port, queried over HTTP, and stopped."""

import asyncio
import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from loadtests.system.child import tied
from tests.support.faulty_workloads import GATE

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30  # far longer than anything here takes: then the test fails instead of hanging
SAYS = "loadbearing listening on "
SHARED = "/dev/shm/"
SIZES = {"threads": 4, "processes": 2}  # of the server that tests share
# Further interpreters to test the server under; each needs the server's packages.
PYTHONS = [path for path in os.environ.get("LOADBEARING_PYTHONS", "").split(os.pathsep) if path]


@dataclass(frozen=True, slots=True)
class Running:
    """A server process that has printed its address."""

    process: subprocess.Popen[str]
    url: str
    gate: Path
    errors: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def below(self) -> list[psutil.Process]:
        """List all processes that the server has started, directly or not."""
        return psutil.Process(self.pid).children(recursive=True)

    def complaints(self) -> str:
        """Standard error of the server, without what this Python cannot do."""
        lines = self.errors.read_text().splitlines(keepends=True)
        known = (" is not available: ", "2 event loops share one GIL")
        return "".join(line for line in lines if not any(words in line for words in known))

    def mapped(self) -> set[int]:
        """List the inodes in shared memory that the server and its processes have mapped.

        Semaphores are mapped under another name than the one that they would leave behind.
        """
        inodes: set[int] = set()
        for pid in (self.pid, *(process.pid for process in self.below())):
            with suppress(OSError):  # it has ended
                lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
                inodes |= {int(line.split()[4]) for line in lines if SHARED in line}
        return inodes

    async def ended(self) -> int:
        """Wait until it has ended, and return its exit code."""
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)

    async def stopped(self) -> int:
        """Send SIGTERM, and return its exit code."""
        self.process.terminate()
        return await self.ended()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Keep the gate shut: every `hold` that begins meanwhile lasts until the block ends."""
        with self.gate.open("wb") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def held(self) -> int:
        """Count the `hold`s that have begun since the gate was shut."""
        return self.gate.stat().st_size

    async def begun(self, count: int) -> None:
        """Wait until `count` `hold`s have begun since the gate was shut."""

        async def so() -> bool:
            return self.held() >= count

        await until(so)


@contextmanager
def running(
    *options: str,
    module: str = "tests.support.faulty_server",
    python: str = sys.executable,
    temporary: str = "",
) -> Iterator[Running]:
    """Start a server in its own session; end it with SIGTERM, unless the test has ended it.

    It ends with the process that runs the tests, even if that is killed. `temporary` is its folder
    for temporary files, if it has one of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        gate, errors = Path(folder, "gate"), Path(folder, "errors")
        gate.touch()
        with (
            errors.open("w") as stderr,
            subprocess.Popen(
                [python, "-m", module, "--port", "0", *options],
                cwd=ROOT,
                env={**os.environ, GATE: str(gate), **({"TMPDIR": temporary} if temporary else {})},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                preexec_fn=tied(),
                start_new_session=True,  # so that a test can press Ctrl-C on the whole group
            ) as process,
        ):
            assert process.stdout is not None
            try:
                line = process.stdout.readline()
                assert line.startswith(SAYS), errors.read_text()
                server = Running(process, line.removeprefix(SAYS).strip(), gate, errors)
                yield server
                if process.poll() is None:
                    process.terminate()
                    code = process.wait(PATIENCE_S)
                    log = server.complaints()
                    assert (code, log) == (0, ""), f"exit code {code}: {log}"
            finally:
                process.kill()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    status: int
    headers: dict[str, str]
    text: str
    json: Any

    @property
    def error(self) -> dict[str, str]:
        error: dict[str, str] = self.json["error"]
        return error


class Client:
    """A client of one server, for any number of requests at a time."""

    def __init__(self, server: Running, session: aiohttp.ClientSession) -> None:
        self.server = server
        self._session = session

    async def ask(self, path: str, method: str = "GET", **options: Any) -> Answer:
        async with self._session.request(method, path, **options) as response:
            text = await response.text()
            body = await response.json() if text else None
            return Answer(response.status, dict(response.headers), text, body)

    async def started(self) -> set[str]:
        """Name the models that this server runs."""
        models = (await self.ask("/")).json["models"]
        return {name for name, model in models.items() if model["available"]}

    async def need(self, model: str) -> None:
        """Skip the test if this server cannot run the model, with the server's reason."""
        why = (await self.ask("/")).json["models"][model]["why"]
        if why:
            pytest.skip(why)

    async def gauges(self, model: str) -> dict[str, int]:
        values: dict[str, int] = (await self.ask("/stats")).json["models"][model]
        return values

    async def until(self, model: str, **expected: int) -> None:
        """Wait until the gauges of a model are as expected."""

        async def so() -> bool:
            gauges = await self.gauges(model)
            return expected.items() <= gauges.items()

        await until(so)


@asynccontextmanager
async def asking(server: Running) -> AsyncIterator[Client]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(PATIENCE_S)
    async with aiohttp.ClientSession(server.url, connector=connector, timeout=timeout) as session:
        yield Client(server, session)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is true, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        while not await true():  # noqa: ASYNC110 - another process will not set an event
            await asyncio.sleep(0.005)
