"""Search queues of known capacity in virtual time, and print how far off the search is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from statistics import fmean, median, pstdev

from loadtests.capacity.interval import Interval, differ
from loadtests.commands.words import Parser, whole
from loadtests.system.child import end_with
from scripts.checks.error.known import BESIDE, GOALS, Case, Measured, faster_by, measure
from scripts.checks.shared.virtual import SLO, TRUTHS

CONDITIONS = [(0.0, 0.0), (0.05, 0.0), (0.05, 0.8), (0.2, 0.0), (0.2, 0.8)]
PAIRED = ("M/D/1", "M/D/2", "M/M/2", "M/D/8")
APART = (1.0, 1.1, 1.2)  # times as fast


def main(arguments: list[str]) -> None:
    parser = Parser(prog="scripts/error", description=__doc__)
    parser.add_argument("--searches", type=whole("count of searches", 2, 10**6), default=50,
        metavar="N", help="of each service under each condition (default: 50)")  # fmt: skip
    parser.add_argument(
        "--seed", type=whole("seed", 0, 2**32), default=1000, help="(default: 1000)"
    )
    asked = parser.parse_args(arguments)
    with ProcessPoolExecutor(os.cpu_count(), initializer=end_with, initargs=(os.getpid(),)) as pool:
        for lines in (_errors, _differences):
            for line in lines(pool, asked.searches, asked.seed):
                print(line, flush=True)  # noqa: T201 - printing is its purpose


def _errors(pool: Executor, searches: int, seed: int) -> Iterator[str]:
    """Compare what was found with what is true."""
    cases = [
        Case(service, truths[1], kind, *condition)
        for kind in GOALS
        for condition in CONDITIONS
        for service, truths in TRUTHS.items()
    ]
    found = list(measure(pool, cases, searches, seed))
    yield "| searches | disturbed | covers the truth | worst service | bias | CV | s a search |"
    yield "|---|---|---|---|---|---|---|"
    size = len(TRUTHS)
    for start in range(0, len(cases), size):
        rows, some = cases[start : start + size], found[start : start + size]
        covers = [
            _coverage(case.truth, [one.interval for one in each])
            for case, each in zip(rows, some, strict=True)
        ]
        worst = min(range(size), key=covers.__getitem__)
        biases, variations = zip(
            *(_spread(*row) for row in zip(rows, some, strict=True)), strict=True
        )
        seconds = median(one.seconds for each in some for one in each)
        yield (
            f"| {rows[0].kind} | {_condition(rows[0])} | {fmean(covers):.1%} "
            f"| {covers[worst]:.0%} {rows[worst].service.name} "
            f"| {min(biases):+.1%} … {max(biases):+.1%} "
            f"| {median(variations):.1%}, {max(variations):.1%} at most | {seconds:.0f} |"
        )
    yield ""
    pairs = zip(cases, found, strict=True)
    yield from _services(one for one in pairs if one[0].disturbed == 0)


def _services(rows: Iterable[tuple[Case, list[Measured]]]) -> Iterator[str]:
    """Show the bias, and how far the interval reaches on average, percentile by percentile."""
    yield "| service, undisturbed | searches | objective | capacity | found | covers |"
    yield "|---|---|---|---|---|---|"
    for case, measured in rows:
        truths = dict(zip((BESIDE[0], SLO, BESIDE[1]), TRUTHS[case.service], strict=True))
        for slo, truth in truths.items():
            each = [one.interval if slo == SLO else one.beside.get(slo) for one in measured]
            intervals = [one for one in each if one]
            if intervals:
                yield (
                    f"| {case.service.name} | {case.kind} | {slo} | {truth:.1f}/s "
                    f"| {_found(intervals, truth)} | {_coverage(truth, intervals):.0%} |"
                )
    yield ""


def _differences(pool: Executor, searches: int, seed: int) -> Iterator[str]:
    """Compare services pair by pair: the same one, and one that is so much faster."""
    yield "| searches | the other is | declared different | worst service |"
    yield "|---|---|---|---|"
    services = [service for service in TRUTHS if service.name in PAIRED]
    for kind in GOALS:
        base = [Case(service, TRUTHS[service][1], kind) for service in services]
        ones = list(measure(pool, base, searches, seed))
        for faster in APART:
            others = list(
                measure(pool, [faster_by(one, faster) for one in base], searches, seed + 1)
            )
            shares = [
                fmean(differ(a.interval, b.interval) for a, b in zip(one, other, strict=True))
                for one, other in zip(ones, others, strict=True)
            ]
            worst = (max if faster == 1 else min)(range(len(base)), key=shares.__getitem__)
            apart = "the same" if faster == 1 else f"{faster - 1:.0%} faster"
            yield (
                f"| {kind} | {apart} | {fmean(shares):.1%} "
                f"| {shares[worst]:.0%} {services[worst].name} |"
            )


def _coverage(truth: float, intervals: Sequence[Interval]) -> float:
    return fmean(one.low <= truth <= (one.high or truth) for one in intervals)


def _spread(case: Case, measured: Iterable[Measured]) -> tuple[float, float]:
    """Return the bias and the coefficient of variation."""
    found = [one.interval.capacity for one in measured]
    return fmean(found) / case.truth - 1, pstdev(found) / fmean(found)


def _found(intervals: Sequence[Interval], truth: float) -> str:
    bias, low, high = (
        fmean(getattr(one, end) or truth for one in intervals) / truth - 1
        for end in ("capacity", "low", "high")
    )
    return f"{bias:+.1%} [{low:+.1%}, {high:+.1%}]"


def _condition(case: Case) -> str:
    if not case.disturbed:
        return "none"
    return f"{case.disturbed:.0%}, sentinel {'on' if case.sentinel else 'off'}"


if __name__ == "__main__":
    main(sys.argv[1:])
