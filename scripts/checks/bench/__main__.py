"""Run the benchmarks, all or those that are named, and print a line for each figure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loadtests.commands.words import Parser, among
from loadtests.errors import ServiceError
from loadtests.machine.environment import describe, environment
from loadtests.paths import ROOT
from loadtests.service.contract import discover
from loadtests.service.process import ServerProcess
from loadtests.service.pythons import server_pythons
from loadtests.system.child import tied
from scripts.checks.bench.accuracy import accuracy, cost, stall
from scripts.checks.bench.gil import gil
from scripts.checks.bench.harness import harness
from scripts.checks.bench.hops import hops
from scripts.checks.bench.neighbours import neighbours
from scripts.checks.shared.progress import steps

RATES = (500, 1000)


def main(arguments: list[str]) -> None:
    parser = Parser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(BENCHMARKS),
        type=among("benchmark", BENCHMARKS), metavar="NAME",
        help=f"{', '.join(BENCHMARKS)} (default: all)")  # fmt: skip
    parser.add_argument("--server-python", metavar="NAME",
        help="run the server of `hops`, and `gil`, under this Python")  # fmt: skip
    asked = parser.parse_args(arguments)
    try:
        executable = server_pythons(filter(None, [asked.server_python]))[0].executable
    except ServiceError as error:
        parser.error(f"{error}")
    show(describe(environment()))
    for name in steps(asked.names):
        for line in BENCHMARKS[name](executable):
            show(line)


def _accuracy(_: str) -> Iterator[str]:
    with bare() as (url, pid):
        for rate in RATES:
            yield from accuracy(url, rate)
        yield cost(url, RATES[-1])
        yield stall(url, pid)


def _harness(_: str) -> Iterator[str]:
    models = ("--port", "0", "--models", "inline,thread-pool,process-pool")
    with bare() as other, ServerProcess(models) as ours:
        yield from harness((ours.url, ours.pid), other)


def _hops(executable: str) -> Iterator[str]:
    with ServerProcess(("--port", "0", "--models", "inline"), executable=executable) as small:
        models = ",".join(discover(small.url).models)
    options = ("--port", "0", "--deadline", "60s", "--models", models)
    with ServerProcess(options, executable=executable) as ours:
        yield f"server: Python {discover(ours.url).runtime['python']}"
        yield ""
        yield from hops(ours.url)


BENCHMARKS: dict[str, Callable[[str], Iterator[str]]] = {
    "accuracy": _accuracy,
    "harness": _harness,
    "hops": _hops,
    "gil": gil,
    "sentinel": lambda _: neighbours(),
}


@contextmanager
def bare() -> Iterator[tuple[str, int]]:
    """Keep the bare service standing; gives its address and its process."""
    command = [sys.executable, "-m", "scripts.checks.shared.bare"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=tied()
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdout.readline().decode().strip(), process.pid
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - printing is its purpose


main(sys.argv[1:])
