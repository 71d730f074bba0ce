"""Run the benchmarks, one after the other, and print a line for each figure."""

from __future__ import annotations

import subprocess
import sys

from loadtests.environment import describe, environment
from loadtests.subject import ROOT, Subject
from scripts.benchmarks.accuracy import accuracy, stall
from scripts.benchmarks.harness import harness


def main() -> None:
    command = [sys.executable, "-m", "scripts.benchmarks.bare"]
    bare = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert bare.stdin
    assert bare.stdout
    try:
        url = bare.stdout.readline().decode().strip()
        show(describe(environment()))
        for rate in (500, 1000):
            for line in accuracy(url, rate):
                show(line)
        show(stall(url, bare.pid))
        with Subject(("--port", "0", "--models", "inline,thread-pool,process-pool")) as ours:
            for line in harness((ours.url, ours.pid), (url, bare.pid)):
                show(line)
    finally:
        bare.stdin.close()
        bare.wait()
        bare.stdout.close()


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - printing is its purpose


main()
