"""Separate processes that belong to a check and end with it, seen from both sides."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from aiohttp import web

from loadtests.paths import ROOT
from loadtests.system.child import tied


def output(module: str, *arguments: object) -> str:
    """Run one of our modules to its end, and return what it prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, check=True, capture_output=True, text=True, preexec_fn=tied()
    ).stdout


@contextmanager
def service(module: str, *arguments: object) -> Iterator[tuple[str, int]]:
    """Run one of our modules that serves; yields its address and process id."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=tied()
    ) as process:
        assert process.stdout
        yield process.stdout.readline().decode().strip(), process.pid
        # Leaving the block closes its input, which ends it.


async def serve(app: web.Application, port: int = 0) -> None:
    """Be such a service: print the address, and serve until the input ends."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=2048)
    await site.start()
    print(f"http://127.0.0.1:{site.port}", flush=True)  # noqa: T201 - its parent reads this
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


@contextmanager
def busy(cores: int) -> Iterator[None]:
    """Keep this many cores busy with other processes."""
    with ExitStack() as stack:
        for _ in range(cores):
            command = [sys.executable, "-c", "while True: pass"]
            process = subprocess.Popen(command, preexec_fn=tied())  # noqa: S603 - our own command
            stack.enter_context(process)
            stack.callback(process.kill)
        yield
