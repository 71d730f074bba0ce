"""Measure what is known with the instrument, all cases or those that are named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from time import monotonic

from loadtests.commands.words import Parser, among
from loadtests.errors import ServiceError, StartError
from loadtests.machine.environment import describe, environment
from loadtests.service.interpreters import Interpreter
from loadtests.service.pythons import interpreter, server_pythons
from scripts.checks.shared.progress import steps
from scripts.checks.validate.against_ceiling import efficiency
from scripts.checks.validate.against_formula import oracle
from scripts.checks.validate.bench import Bench
from scripts.checks.validate.case import Case, table
from scripts.checks.validate.convoy import bystander, convoy
from scripts.checks.validate.coordinated_omission import omission, optimism
from scripts.checks.validate.gil_scaling import pure_python, releasing
from scripts.checks.validate.hop_costs import event_loops, hops, starts
from scripts.checks.validate.known_causes import planted
from scripts.checks.validate.littles_law import filled, little
from scripts.checks.validate.load import Unanswered
from scripts.checks.validate.overload import overload
from scripts.checks.validate.surroundings import described, foreign_cores, stolen_s

CASES: dict[str, Callable[[Bench], Case]] = {
    "1": pure_python,
    "2": releasing,
    "3": convoy,
    "4": event_loops,
    "5": little,
    "6": starts,
    "7": hops,
    "8": filled,
    "9": bystander,
    "10": overload,
    "11": omission,
    "12": optimism,
    "efficiency": efficiency,
    "oracle": oracle,
    "planted": planted,
}
USUAL = [name for name in CASES if name.isdecimal()]
FAILURES = (Unanswered, StartError, ServiceError, OSError, ValueError, subprocess.SubprocessError)


def main(arguments: list[str]) -> int:
    """Give exit codes: 0 every case ran, whether it agrees or not; 1 one could not; 2 usage."""
    asked = parser().parse_args(arguments)
    try:
        bench = Bench(_pythons(asked.server_python), fast=asked.fast)
    except ServiceError as error:
        print(f"scripts/validate: {error}", file=sys.stderr)  # noqa: T201 - to whoever started it
        return 2
    versions = ", ".join(one.full for one in bench.pythons)
    show(f"{describe(environment())}; servers on Python {versions}")
    cases, failed = [], 0
    for name in steps(asked.names):
        try:
            cases.append(_watched(name, bench))
        except FAILURES as error:  # the others still count
            failed += 1
            show(f"case {name}: could not run: {' '.join(str(error).split())}")
    show("")
    for line in table(cases):
        show(line)
    if asked.fast:
        show("\nThis was --fast: it shows that the cases run. Its figures mean nothing.")
    return 1 if failed else 0


def parser() -> Parser:
    one = Parser(prog="scripts/validate", description=__doc__)
    one.add_argument("names", nargs="*", default=USUAL, type=among("case", CASES), metavar="CASE",
        help="1 to 12 (default: all of them, about 8 minutes); oracle: the search against a "
        "service of known capacity, some 8 minutes; efficiency: what is left of the ceiling, up "
        "to 8 minutes; planted: known bottlenecks, 1 minute")  # fmt: skip
    one.add_argument("--server-python", metavar="PYTHON", action="append", default=[],
        help="run the servers on this Python: its path, or such as 3.13t; further ones join in "
        "cases 1, 6 and 7, as do those of LOADBEARING_PYTHONS")  # fmt: skip
    one.add_argument("--fast", action="store_true", help="only show that the cases run")
    return one


def _pythons(names: list[str]) -> tuple[Interpreter, ...]:
    """Find the Pythons, each once: what was asked for, or else our own, comes first."""
    named = [path for path in os.environ.get("LOADBEARING_PYTHONS", "").split(os.pathsep) if path]
    ours = names or [sys.executable]
    found = [interpreter(one.executable) for one in server_pythons([*ours, *named])]
    return tuple({one.executable: one for one in found}.values())


def _watched(name: str, bench: Bench) -> Case:
    """Run a case; where it disagrees, tell what else went on."""
    before, steal, begun = foreign_cores(), stolen_s(), monotonic()
    case = CASES[name](bench)
    took = monotonic() - begun
    after, now = foreign_cores(), stolen_s()
    mark = "✓" if case.agrees else "✗"
    show(f"case {name}: {mark} {case.measured} [{took:.0f} s]")
    if case.agrees:
        return case
    stolen = None if steal is None or now is None else now - steal
    return case.but(described(before, after, stolen, took))


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - printing is its purpose


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
