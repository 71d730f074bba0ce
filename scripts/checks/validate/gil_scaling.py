"""The GIL keeps Python code on one core: two processes scale, two threads only in C code."""

from __future__ import annotations

from contextlib import ExitStack

from loadtests.service.interpreters import Interpreter
from scripts.checks.validate.case import Case, Finding, remark, within
from scripts.checks.validate.load import bracketed, rate
from scripts.checks.validate.testbed import PATIENT, Testbed

CLIENTS = 4  # two for each worker, so that no worker waits for a client
TURN_S = 1.5
ROUNDS = 4


def pure_python(testbed: Testbed) -> Case:
    """Case 1: two threads 0.7–1 of one thread, depending on the build; two processes 1.5–1.9.

    The two cores also run the generator, so 1.4 and 2.1 still agree for processes.
    """
    findings = [finding for python in testbed.pythons for finding in _scaling(testbed, python)]
    claim = (
        "pure Python: two threads 0.7–1.05 × one, two processes 1.5–2 ×; without a GIL threads too"
    )
    return Case.of("1", claim, findings)


def _scaling(testbed: Testbed, python: Interpreter) -> list[Finding]:
    threads = _ratios(testbed, "/count/{}", ("thread-pool", "--threads", "2"), python)
    processes = _ratios(testbed, "/count/{}", ("process-pool", "--processes", "2"), python)
    low, high = (1.5, 2.2) if python.free_threaded else (0.7, 1.05)
    label = testbed.label(python)
    return [
        within(f"{label}two threads", threads, low, high),
        within("two processes", processes, 1.4, 2.1),
    ]


def releasing(testbed: Testbed) -> Case:
    """Case 2: sha256 about 1.95 ×, zlib 1.3 to 1.95 × depending on the size of its pieces."""
    sha = _ratios(testbed, "/sha256/{}?kib=65536", ("thread-pool", "--threads", "2"))
    packed = _ratios(testbed, "/compress/{}?kib=1024", ("thread-pool", "--threads", "2"))
    claim = "C without the GIL: two threads hash 1.95 × (≥ 1.7), and compress ≥ 1.15 ×"
    return Case.of(
        "2",
        claim,
        [
            within("sha256", sha, 1.7, 2.2),
            within("zlib", packed, 1.15, 2.2),
            remark("1 MiB pieces"),
        ],
        "zlib gains more with larger pieces: small ones need the GIL more often",
    )


def _ratios(
    testbed: Testbed, work: str, two: tuple[str, ...], python: Interpreter | None = None
) -> list[float]:
    """Throughput of two workers divided by that of one thread just before and after."""
    with ExitStack() as stack:
        alone = stack.enter_context(
            testbed.server("thread-pool", "--threads", "1", *PATIENT, python=python)
        )
        pair = stack.enter_context(testbed.server(*two, *PATIENT, python=python))
        seconds = testbed.seconds(TURN_S)

        def single() -> float:
            return rate(alone.url, work.format("thread-pool"), CLIENTS, seconds)

        def both() -> float:
            return rate(pair.url, work.format(two[0]), CLIENTS, seconds)

        return bracketed(single, both, testbed.rounds(ROUNDS))
