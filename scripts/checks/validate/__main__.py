"""Check the instrument against known facts: each case measures one, on this machine.

example: scripts/validate 1 5 oracle
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from time import monotonic, sleep

import psutil

from loadtests.commands.words import Parser, among
from loadtests.errors import LoadTestError, ServiceError
from loadtests.machine.environment import describe, environment
from loadtests.service.interpreters import Interpreter
from loadtests.service.pythons import interpreter, server_pythons
from scripts.checks.shared.command import script_parser, show, steps
from scripts.checks.validate.against_ceiling import efficiency
from scripts.checks.validate.against_formula import oracle
from scripts.checks.validate.case import Case, table
from scripts.checks.validate.convoy import bystander, convoy
from scripts.checks.validate.coordinated_omission import omission, optimism
from scripts.checks.validate.gil_scaling import pure_python, releasing
from scripts.checks.validate.guests import GUESTS, guests
from scripts.checks.validate.hop_costs import event_loops, hops, starts
from scripts.checks.validate.known_causes import planted
from scripts.checks.validate.littles_law import filled, little
from scripts.checks.validate.load import Unanswered
from scripts.checks.validate.overload import overload
from scripts.checks.validate.plants import HELD_OUT, PLANTS
from scripts.checks.validate.same_row_twice import same_row_twice
from scripts.checks.validate.testbed import Testbed

HELD_OUT_CASE = "planted-held-out"
CASES: dict[str, Callable[[Testbed], Case]] = {
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
    "a-a": same_row_twice,
    "efficiency": efficiency,
    "guests": guests,
    **{
        f"guests-{name}": partial(guests, services={name: guest}, number=f"guests-{name}")
        for name, guest in GUESTS.items()
    },
    "oracle": oracle,
    "planted": planted,
    HELD_OUT_CASE: partial(planted, plants=HELD_OUT, number=HELD_OUT_CASE),
    **{
        f"planted-{name}": partial(planted, plants={name: plant})
        for name, plant in {**PLANTS, **HELD_OUT}.items()
    },
}
GROUPS = ("guests-", "planted-")
GATES = ("a-a",)  # cases whose disagreement is a fault of this tool, whatever the machine
LOOK_S = 0.5  # at what else runs on the machine
USUAL = [name for name in CASES if name.isdecimal()]
FAILURES = (Unanswered, LoadTestError, OSError, ValueError, subprocess.SubprocessError)


def main(arguments: list[str]) -> int:
    """Return the exit code: 1 if a case could not run or a gate disagrees, 2 for wrong usage."""
    options = parser().parse_args(arguments)
    try:
        testbed = Testbed(_pythons(options.server_python), fast=options.fast)
    except ServiceError as error:
        print(f"scripts/validate: {error}", file=sys.stderr)  # noqa: T201 - an error of usage
        return 2
    versions = ", ".join(python.full for python in testbed.pythons)
    show(f"{describe(environment())}; servers on Python {versions}")
    cases, failed = [], 0
    for name in steps(options.names):
        try:
            cases.append(_watched(name, testbed))
        except FAILURES as error:  # the other cases still count
            failed += 1
            show(f"case {name}: could not run: {' '.join(str(error).split())}")
    show("")
    for line in table(cases):
        show(line)
    if options.fast:
        show("\nThis was --fast, which only checks that the cases run. Its figures mean nothing.")
    gates = [case for case in cases if case.number in GATES]
    return 1 if failed or not all(case.agrees for case in gates) else 0


def parser() -> Parser:
    words = script_parser("validate", __doc__)
    words.add_argument("names", nargs="*", default=USUAL, type=among("case", CASES), metavar="CASE",
        help="1 to 12 (default: all of them, about 8 minutes); a-a: a row compared with itself, "
        "10 times, about 12 minutes (exit code 1 if they differ); oracle: whole runs against a "
        "service of known capacity, about 2 minutes; efficiency: pools near their estimated "
        "capacity, up to 8 minutes; guests: FastAPI, Flask, Django and other apps whose limits are "
        "known, about 6 minutes (scripts/setup dev installs them); planted: bottlenecks of known "
        "cause, about 6 minutes; "
        f"{HELD_OUT_CASE}: others, on which no rule was adjusted, about 3 minutes; or one of all "
        f"these: {', '.join(name for name in CASES if name.startswith(GROUPS))}")  # fmt: skip
    words.add_argument("--server-python", metavar="PYTHON", action="append", default=[],
        help="run the servers on this Python, given as a path or e.g. 3.13t; repeat it to add "
        "Pythons to cases 1, 6 and 7 (LOADBEARING_PYTHONS adds them too)")  # fmt: skip
    words.add_argument("--fast", action="store_true", help="only check that the cases run")
    return words


def _pythons(names: list[str]) -> tuple[Interpreter, ...]:
    """Find the Pythons, each once: those of --server-python, or else our own, come first."""
    named = [path for path in os.environ.get("LOADBEARING_PYTHONS", "").split(os.pathsep) if path]
    ours = names or [sys.executable]
    pythons = [interpreter(python.executable) for python in server_pythons([*ours, *named])]
    return tuple({python.executable: python for python in pythons}.values())


def _watched(name: str, testbed: Testbed) -> Case:
    """Run a case; if it disagrees, say what else ran on the machine."""
    before, steal, begun = foreign_cores(), stolen_s(), monotonic()
    case = CASES[name](testbed)
    took = monotonic() - begun
    after, now = foreign_cores(), stolen_s()
    mark = "✓" if case.agrees else "✗"
    show(f"case {name}: {mark} {case.measured} [{took:.0f} s]")
    if case.agrees:
        return case
    stolen = None if steal is None or now is None else now - steal
    return case.but(described(before, after, stolen, took))


def foreign_cores() -> float:
    """How many cores are busy while this program is idle."""
    before, begun = psutil.cpu_times(), monotonic()
    sleep(LOOK_S)
    after, took = psutil.cpu_times(), monotonic() - begun
    idle = _idle(after) - _idle(before)
    return max(0.0, (psutil.cpu_count() or 1) - idle / took)


def stolen_s() -> float | None:
    """CPU seconds that the host has withheld from this machine so far; None if unknown."""
    steal: float | None = getattr(psutil.cpu_times(), "steal", None)
    return steal


def described(before: float, after: float, steal_s: float | None, took_s: float) -> str:
    """Describe what else ran beside a case, in one clause."""
    stolen = "" if steal_s is None else f", and {steal_s / took_s:.2f} cores were stolen meanwhile"
    return f"other programs kept {before:.1f} cores busy before it and {after:.1f} after it{stolen}"


def _idle(times: object) -> float:
    return sum(getattr(times, name, 0.0) for name in ("idle", "iowait"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
