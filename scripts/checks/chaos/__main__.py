"""Break what can break, all or what is named, and print a line for each figure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from loadtests.commands.words import Parser, among, whole
from loadtests.machine.environment import describe, environment
from scripts.checks.chaos.crashes import crashes
from scripts.checks.chaos.endless import hang_ups, loops
from scripts.checks.chaos.ends import murders, terms
from scripts.checks.chaos.kills import kills

FAULTS = ("kills", "crashes", "loops", "hang-ups", "terms", "murders")
MOST = 10**9  # of anything: more takes years


def main(arguments: list[str]) -> int:
    """Give exit codes: 0 all promises were kept, 1 one was not."""
    parser = Parser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("names", nargs="*", type=among("fault", FAULTS), default=[], metavar="NAME",
        help=f"{', '.join(FAULTS)} (default: all)")  # fmt: skip
    parser.add_argument("--requests", type=whole("number of requests", 1, MOST), default=10_000,
        metavar="N", help="of each model under kills (default: 10000)")  # fmt: skip
    parser.add_argument("--crashes", type=whole("number of crashes", 1, MOST), default=200,
        metavar="N", help="of each model and start method (default: 200)")  # fmt: skip
    parser.add_argument("--server-python", default=sys.executable, metavar="PATH",
        help="of the servers that crash: a path that scripts/python printed")  # fmt: skip
    parser.add_argument("--times", type=whole("number of times", 1, MOST), default=20, metavar="N",
        help="how often servers end, and clients hang up (default: 20)")  # fmt: skip
    asked = parser.parse_args(arguments)
    faults: dict[str, Callable[[], Iterator[str]]] = {
        "kills": lambda: kills(asked.requests),
        "crashes": lambda: crashes(asked.crashes, asked.server_python),
        "loops": loops,
        "hang-ups": lambda: hang_ups(asked.times),
        "terms": lambda: terms(asked.times),
        "murders": lambda: murders(asked.times),
    }
    show(describe(environment()))
    broken = 0
    for name in asked.names or FAULTS:
        try:
            for line in faults[name]():
                show(line)
        except AssertionError as error:
            broken = 1
            show(f"{name}: BROKEN: {error}")
    return broken


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - printing is its purpose


sys.exit(main(sys.argv[1:]))
