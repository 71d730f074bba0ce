"""Measure the error of the search: run it in virtual time on queues of known capacity.

example: scripts/error --searches 20
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from statistics import fmean, median, pstdev

from loadtests.capacity.interval import Interval, differ
from loadtests.commands.words import whole
from loadtests.system.child import end_with
from scripts.checks.error.in_rounds import errors
from scripts.checks.error.known_queues import BESIDE, GOALS, Measured, QueueCase, faster_by, measure
from scripts.checks.shared.command import script_parser, show
from scripts.checks.shared.virtual import SLO, TRUTHS

CONDITIONS = [(0.0, 0.0), (0.05, 0.0), (0.05, 0.8), (0.2, 0.0), (0.2, 0.8)]
PAIRED = ("M/D/1", "M/D/2", "M/M/2", "M/D/8")
APART = (1.0, 1.1, 1.2)  # how many times as fast the other service is


def main(arguments: list[str]) -> None:
    parser = script_parser("error", __doc__)
    parser.add_argument("--searches", type=whole("count of searches", 2, 10**6), default=50,
        metavar="N", help="searches of each service and condition (default: 50)")  # fmt: skip
    parser.add_argument(
        "--seed",
        type=whole("seed", 0, 2**32),
        default=1000,
        help="seed of the simulations (default: 1000)",
    )
    parser.add_argument(
        "--rounds",
        action="store_true",
        help="measure rows in rounds, which no run does yet, instead of one search after the other",
    )
    options = parser.parse_args(arguments)
    tables = (errors,) if options.rounds else (_errors, _differences)
    with ProcessPoolExecutor(os.cpu_count(), initializer=end_with, initargs=(os.getpid(),)) as pool:
        for lines in tables:
            for line in lines(pool, options.searches, options.seed):
                show(line)


def _errors(pool: Executor, searches: int, seed: int) -> Iterator[str]:
    """Compare the results of searches with the true capacities."""
    cases = [
        QueueCase(service, truths[1], kind, *condition)
        for kind in GOALS
        for condition in CONDITIONS
        for service, truths in TRUTHS.items()
    ]
    results = list(measure(pool, cases, searches, seed))
    yield "| searches | disturbed | covers the truth | worst service | bias | CV | s a search |"
    yield "|---|---|---|---|---|---|---|"
    size = len(TRUTHS)
    for start in range(0, len(cases), size):
        rows, measured = cases[start : start + size], results[start : start + size]
        covers = [
            _coverage(case.truth, [item.interval for item in items])
            for case, items in zip(rows, measured, strict=True)
        ]
        worst = min(range(size), key=covers.__getitem__)
        biases, variations = zip(
            *(_spread(*row) for row in zip(rows, measured, strict=True)), strict=True
        )
        seconds = median(item.seconds for items in measured for item in items)
        yield (
            f"| {rows[0].kind} | {_condition(rows[0])} | {fmean(covers):.1%} "
            f"| {covers[worst]:.0%} {rows[worst].service.name} "
            f"| {min(biases):+.1%} … {max(biases):+.1%} "
            f"| {median(variations):.1%}, {max(variations):.1%} at most | {seconds:.0f} |"
        )
    yield ""
    pairs = zip(cases, results, strict=True)
    yield from _services(pair for pair in pairs if pair[0].disturbed == 0)


def _services(rows: Iterable[tuple[QueueCase, list[Measured]]]) -> Iterator[str]:
    """Show the bias and the mean extent of the interval, percentile by percentile."""
    yield "| service, undisturbed | searches | objective | capacity | found | covers |"
    yield "|---|---|---|---|---|---|"
    for case, measured in rows:
        truths = dict(zip((BESIDE[0], SLO, BESIDE[1]), TRUTHS[case.service], strict=True))
        for slo, truth in truths.items():
            every = [item.interval if slo == SLO else item.beside.get(slo) for item in measured]
            intervals = [interval for interval in every if interval]
            if intervals:
                yield (
                    f"| {case.service.name} | {case.kind} | {slo} | {truth:.1f}/s "
                    f"| {_extent(intervals, truth)} | {_coverage(truth, intervals):.0%} |"
                )
    yield ""


def _differences(pool: Executor, searches: int, seed: int) -> Iterator[str]:
    """Compare a service with itself, and with a faster one."""
    yield "| searches | the other is | declared different | worst service |"
    yield "|---|---|---|---|"
    services = [service for service in TRUTHS if service.name in PAIRED]
    for kind in GOALS:
        base = [QueueCase(service, TRUTHS[service][1], kind) for service in services]
        slower = list(measure(pool, base, searches, seed))
        for faster in APART:
            others = list(
                measure(pool, [faster_by(case, faster) for case in base], searches, seed + 1)
            )
            shares = [
                fmean(differ(a.interval, b.interval) for a, b in zip(*both, strict=True))
                for both in zip(slower, others, strict=True)
            ]
            worst = (max if faster == 1 else min)(range(len(base)), key=shares.__getitem__)
            apart = "the same" if faster == 1 else f"{faster - 1:.0%} faster"
            yield (
                f"| {kind} | {apart} | {fmean(shares):.1%} "
                f"| {shares[worst]:.0%} {services[worst].name} |"
            )


def _coverage(truth: float, intervals: Sequence[Interval]) -> float:
    return fmean(item.low <= truth <= (item.high or truth) for item in intervals)


def _spread(case: QueueCase, measured: Iterable[Measured]) -> tuple[float, float]:
    """Return the bias and the coefficient of variation."""
    capacities = [item.interval.capacity for item in measured]
    return fmean(capacities) / case.truth - 1, pstdev(capacities) / fmean(capacities)


def _extent(intervals: Sequence[Interval], truth: float) -> str:
    bias, low, high = (
        fmean(getattr(item, end) or truth for item in intervals) / truth - 1
        for end in ("capacity", "low", "high")
    )
    return f"{bias:+.1%} [{low:+.1%}, {high:+.1%}]"


def _condition(case: QueueCase) -> str:
    if not case.disturbed:
        return "none"
    return f"{case.disturbed:.0%}, sentinel {'on' if case.sentinel else 'off'}"


if __name__ == "__main__":
    main(sys.argv[1:])
