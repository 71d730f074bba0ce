"""Benchmark the instrument itself: how exact generator and sensors are, and what they cost.

example: scripts/bench accuracy harness
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from loadtests.commands.words import among
from loadtests.errors import ServiceError
from loadtests.machine.environment import describe, environment
from loadtests.service.contract import discover
from loadtests.service.process import ServerProcess
from loadtests.service.pythons import server_pythons
from scripts.checks.bench.accuracy import accuracy, cost
from scripts.checks.bench.gil import gil
from scripts.checks.bench.harness import harness
from scripts.checks.bench.hops import hops
from scripts.checks.bench.sentinel import neighbours
from scripts.checks.shared.children import service
from scripts.checks.shared.command import script_parser, show, steps

RATES = (500, 1000)
BARE = "scripts.checks.shared.bare_service"


def main(arguments: list[str]) -> None:
    parser = script_parser("bench", __doc__)
    parser.add_argument("names", nargs="*", default=list(BENCHMARKS),
        type=among("benchmark", BENCHMARKS), metavar="NAME",
        help=f"{', '.join(BENCHMARKS)} (default: all)")  # fmt: skip
    parser.add_argument("--server-python", metavar="NAME",
        help="the Python of the server of `hops`, and of `gil`")  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        executable = server_pythons(filter(None, [options.server_python]))[0].executable
    except ServiceError as error:
        parser.error(f"{error}")
    show(describe(environment()))
    for name in steps(options.names):
        for line in BENCHMARKS[name](executable):
            show(line)


def _accuracy(_: str) -> Iterator[str]:
    with service(BARE) as (url, _pid):
        for rate in RATES:
            yield from accuracy(url, rate)
        yield cost(url, RATES[-1])


def _harness(_: str) -> Iterator[str]:
    models = ("--port", "0", "--models", "inline,thread-pool,process-pool")
    with service(BARE) as other, ServerProcess(models) as ours:
        yield from harness((ours.url, ours.pid), other)


def _hops(executable: str) -> Iterator[str]:
    with ServerProcess(("--port", "0", "--models", "inline"), executable=executable) as small:
        models = ",".join(discover(small.url).models)
    words = ("--port", "0", "--deadline", "60s", "--models", models)
    with ServerProcess(words, executable=executable) as ours:
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


if __name__ == "__main__":
    main(sys.argv[1:])
