"""Two threads against two processes: whether Python code, and C code, run on two cores."""

from __future__ import annotations

from contextlib import ExitStack

from loadtests.service.interpreters import Interpreter
from scripts.checks.validate.bench import PATIENT, Bench
from scripts.checks.validate.case import Case, Finding, told, within
from scripts.checks.validate.load import bracketed, rate

CLIENTS = 4  # two for each worker: none has to wait for the client's half of the turn
TURN_S = 1.5
ROUNDS = 4


def pure_python(bench: Bench) -> Case:
    """Case 1: notes 0.7–0.8 of one thread (3.13), table of builds 0.95–1; processes 1.5–1.9.

    Two noisy cores also carry the generator, so 1.4 processes still agree, and 2.1.
    """
    findings = [found for python in bench.pythons for found in _scaling(bench, python)]
    claim = "pure Python: two threads 0.7–1.05 × one, two processes 1.5–2 ×; no GIL: threads too"
    return Case.of("1", claim, findings)


def _scaling(bench: Bench, python: Interpreter) -> list[Finding]:
    threads = _ratios(bench, "/count/{}", ("thread-pool", "--threads", "2"), python)
    processes = _ratios(bench, "/count/{}", ("process-pool", "--processes", "2"), python)
    low, high = (1.5, 2.2) if python.free_threaded else (0.7, 1.05)
    label = bench.label(python)
    return [
        within(f"{label}two threads", threads, low, high),
        within("two processes", processes, 1.4, 2.1),
    ]


def releasing(bench: Bench) -> Case:
    """Case 2: sha256 about 1.95 ×; zlib 1.3 × in one note, 1.95 × in another: both agree."""
    sha = _ratios(bench, "/sha256/{}?kib=65536", ("thread-pool", "--threads", "2"))
    packed = _ratios(bench, "/compress/{}?kib=1024", ("thread-pool", "--threads", "2"))
    claim = "C without the GIL: two threads hash 1.95 × (≥ 1.7), and compress ≥ 1.15 ×"
    return Case.of(
        "2",
        claim,
        [within("sha256", sha, 1.7, 2.2), within("zlib", packed, 1.15, 2.2), told("1 MiB pieces")],
        "zlib gains the more, the larger the pieces: small ones take the GIL more often",
    )


def _ratios(
    bench: Bench, work: str, two: tuple[str, ...], python: Interpreter | None = None
) -> list[float]:
    """Throughput of two workers over that of one thread just before and just after."""
    with ExitStack() as stack:
        alone = stack.enter_context(
            bench.server("thread-pool", "--threads", "1", *PATIENT, python=python)
        )
        pair = stack.enter_context(bench.server(*two, *PATIENT, python=python))
        seconds = bench.seconds(TURN_S)

        def one() -> float:
            return rate(alone.url, work.format("thread-pool"), CLIENTS, seconds)

        def both() -> float:
            return rate(pair.url, work.format(two[0]), CLIENTS, seconds)

        return bracketed(one, both, bench.rounds(ROUNDS))
