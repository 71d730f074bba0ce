"""Measure the tool's own error: run its rounds in virtual time, on rows of known capacity.

example: scripts/error --runs 50
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor

from loadtests.capacity.rounds import FULL, QUICK
from loadtests.commands.words import whole
from loadtests.system.child import end_with
from scripts.checks.error.accuracy import HEAD, Accuracy, measure, summary
from scripts.checks.error.cases import CASES
from scripts.checks.shared.command import script_parser, show, steps

SEEDS = {False: "published", True: "choosing"}  # two families, so that neither knows the other


def main(arguments: list[str]) -> None:
    parser = script_parser("error", __doc__)
    parser.add_argument("--runs", type=whole("count of runs", 2, 10**6), default=20, metavar="N",
        help="measurements of each case (default: 20, some minutes)")  # fmt: skip
    parser.add_argument("--full", action="store_true",
        help="measure as a --full run does: ten times as long")  # fmt: skip
    parser.add_argument("--choosing", action="store_true",
        help="with the seeds for choosing constants, not those of published tables")  # fmt: skip
    options = parser.parse_args(arguments)
    care, seeds = FULL if options.full else QUICK, SEEDS[options.choosing]
    results = []
    with ProcessPoolExecutor(os.cpu_count(), initializer=end_with, initargs=(os.getpid(),)) as pool:
        for _, case in zip(steps([*map(str, CASES)]), CASES, strict=True):
            jobs = [(case, care, f"{seeds}/{number}") for number in range(options.runs)]
            results.append(Accuracy(case, [*pool.map(measure, jobs)]))
    for line in (*summary(results), "", *HEAD, *(result.line() for result in results)):
        show(line)


if __name__ == "__main__":
    main(sys.argv[1:])
