"""Measure the tool's own error: run its rounds in virtual time, on rows of known capacity.

example: scripts/error --full --runs 8 steady "two speeds"
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from loadtests.capacity.rounds import FULL, QUICK
from loadtests.commands.words import among, whole
from loadtests.system.child import end_with
from scripts.checks.error.accuracy import HEAD, Accuracy, measure, summary
from scripts.checks.error.cases import CASES
from scripts.checks.shared.command import script_parser, show, steps

SEEDS = {False: "published", True: "choosing"}  # two families, so that neither knows the other


def main(arguments: list[str]) -> None:
    parser = script_parser("error", __doc__)
    cases = {str(case): case for case in CASES}
    parser.add_argument("names", nargs="*", default=[*cases], type=among("case", cases),
        metavar="CASE", help="as the table names it (default: all of them)")  # fmt: skip
    parser.add_argument("--runs", type=whole("count of runs", 2, 10**6), default=20, metavar="N",
        help="measurements of each case (default: 20, some minutes)")  # fmt: skip
    parser.add_argument("--full", action="store_true",
        help="measure as a --full run does: ten times as long")  # fmt: skip
    parser.add_argument("--aim", type=whole("error in %", 1, 99), metavar="PERCENT",
        help="go on until ratios of the best rows are as exact as this, or the time of a run is "
        f"over (default: {100 * QUICK.aim:g}, with --full {100 * FULL.aim:g})")  # fmt: skip
    parser.add_argument("--choosing", action="store_true",
        help="with the seeds for choosing constants, not those of published tables")  # fmt: skip
    options = parser.parse_args(arguments)
    care, seeds = FULL if options.full else QUICK, SEEDS[options.choosing]
    if options.aim:
        care = replace(care, aim=options.aim / 100, most=care.most * 2)
    results = []
    with ProcessPoolExecutor(os.cpu_count(), initializer=end_with, initargs=(os.getpid(),)) as pool:
        for name in steps(options.names):
            jobs = [(cases[name], care, f"{seeds}/{number}") for number in range(options.runs)]
            results.append(Accuracy(cases[name], [*pool.map(measure, jobs)]))
    for line in (*summary(results), "", *HEAD, *(result.line() for result in results)):
        show(line)


if __name__ == "__main__":
    main(sys.argv[1:])
