"""A full run finds the capacity that queueing theory gives: M/D/c queues behind real HTTP.

Its capacities are in service times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from statistics import linear_regression
from time import monotonic

from loadtests.cell import Cell
from loadtests.run.file.cells import CellResult
from loadtests.run.file.fold import read
from scripts.checks.shared.oracle import running
from scripts.checks.validate.case import Case, Finding, remark, within
from scripts.checks.validate.load import Unanswered
from scripts.checks.validate.testbed import Testbed
from scripts.checks.validate.whole_run import survival

MODEL = "m-d-1"
SERVICE_S = 0.005
BOUND_S = 0.100
ERROR = {"quick": 0.15, "full": 0.05}  # four standard deviations, by simulation
LOSS_RATIO = 0.01  # of a p99
DIGITS = 100
CLOSE = 1e-4


def served_within(load: float, wait: float) -> float:
    """Return the probability that M/D/1 starts to serve a request within `wait` service times.

    The formula of Erlang (1909) and Crommelin (1932). Its terms are huge, alternate in sign
    and nearly cancel, so they are summed with many digits.
    """
    with localcontext(prec=DIGITS):
        rate, total = Decimal(load), Decimal(0)
        for ahead in range(math.floor(wait) + 1):
            rest = rate * (Decimal(wait) - ahead)
            term = (-rest) ** ahead if ahead else Decimal(1)
            total += rest.exp() * term / math.factorial(ahead)
        return float((1 - rate) * total)


def utilisation(bound: float) -> float:
    """Find the highest utilisation at which p99 of M/D/1 stays below `bound` service times."""
    low, high = 0.0, 1.0
    while high - low > CLOSE:
        middle = (low + high) / 2
        kept = served_within(middle, bound - 1) >= 1 - LOSS_RATIO
        low, high = (middle, high) if kept else (low, middle)
    return low


def crossing(points: Sequence[tuple[float, float]], bound: float) -> float:
    """Estimate the utilisation at which p99 reaches a bound, from (utilisation, p99) of trials.

    The waiting time of a queue grows roughly as a power of 1 / (1 - utilisation). A line through
    the logarithms uses all trials; a single p99 of a thousand requests is off by about 10 %.
    """
    free = [-math.log(1 - load) for load, _ in points]
    line = linear_regression(free, [math.log(p99) for _, p99 in points])
    return 1 - math.exp(-(math.log(bound) - line.intercept) / line.slope)


def oracle(testbed: Testbed) -> Case:
    """Measure M/D/1 of 5 ms under p99 < 100 ms with --quick and with --full.

    Checks the estimate of each run, and whether its interval contains the true capacity.
    """
    true = utilisation(BOUND_S / SERVICE_S) / SERVICE_S
    findings = [remark(f"true {true:.1f}/s")]
    with running(SERVICE_S) as url:
        for care, error in ERROR.items():
            if not (testbed.fast and care == "full"):
                begun = monotonic()
                findings += _judged(care, error, _measured(url, care), true)
                findings.append(remark(f"{monotonic() - begun:.0f} s"))
    claim = (
        f"M/D/1 of {1e3 * SERVICE_S:g} ms under p99 < {1e3 * BOUND_S:g} ms: "
        f"a full run measures it within {ERROR['full']:.0%}"
    )
    return Case.of("oracle", claim, findings)


def _judged(care: str, error: float, result: CellResult, true: float) -> Iterator[Finding]:
    capacity, low, high = result.interval or (0.0, 0.0, 0.0)
    yield within(f"{care}: measured / true", [capacity / true], 1 - error, 1 + error, "")
    shown = f"≥ {low:.1f}" if math.isinf(high) else f"{low:.1f}–{high:.1f}"
    yield Finding(shown, low <= true <= high, "an interval that contains it")
    yield remark(f"{result.trials} trials, {result.discarded} discarded")


def _measured(url: str, care: str) -> CellResult:
    """Run the usual command. Raises Unanswered if it has no result."""
    words = ("--workloads", "oracle", "--models", MODEL, "--slo", f"p99<{1e3 * BOUND_S:g}ms")
    with survival("--host", url, f"--{care}", *words) as folder:
        result = read(folder).results[Cell("oracle", MODEL)]
    if not result.measured:
        raise Unanswered(f"the run has no result: {result.error or result.unavailable}")
    return result
