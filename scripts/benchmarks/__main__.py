"""Run the benchmarks, all or those that are named, and print a line for each figure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loadtests.environment import describe, environment
from loadtests.subject import ROOT, Subject
from loadtests.target import discover
from scripts.benchmarks.accuracy import accuracy, stall
from scripts.benchmarks.harness import harness
from scripts.benchmarks.hops import hops

RATES = (500, 1000)


def main(asked: list[str]) -> int:
    unknown = [name for name in asked if name not in BENCHMARKS]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")  # noqa: T201
        return 2
    show(describe(environment()))
    for name in asked or BENCHMARKS:
        for line in BENCHMARKS[name]():
            show(line)
    return 0


def _accuracy() -> Iterator[str]:
    with bare() as (url, pid):
        for rate in RATES:
            yield from accuracy(url, rate)
        yield stall(url, pid)


def _harness() -> Iterator[str]:
    models = ("--port", "0", "--models", "inline,thread-pool,process-pool")
    with bare() as other, Subject(models) as ours:
        yield from harness((ours.url, ours.pid), other)


def _hops() -> Iterator[str]:
    with Subject(("--port", "0", "--models", "inline")) as small:
        models = ",".join(discover(small.url).models)
    with Subject(("--port", "0", "--deadline", "60s", "--models", models)) as ours:
        yield from hops(ours.url)


BENCHMARKS: dict[str, Callable[[], Iterator[str]]] = {
    "accuracy": _accuracy,
    "harness": _harness,
    "hops": _hops,
}


@contextmanager
def bare() -> Iterator[tuple[str, int]]:
    """Keep the bare service standing; gives its address and its process."""
    command = [sys.executable, "-m", "scripts.benchmarks.bare"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
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


sys.exit(main(sys.argv[1:]))
