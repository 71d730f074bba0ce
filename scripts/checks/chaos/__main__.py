"""Break the server on purpose, for minutes, and check that it keeps its guarantees.

example: scripts/chaos kills terms --times 5
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from loadtests.commands.words import among, whole
from loadtests.machine.environment import describe, environment
from scripts.checks.chaos.crashes import crashes
from scripts.checks.chaos.endless import hang_ups, loops
from scripts.checks.chaos.ends import murders, terms
from scripts.checks.chaos.kills import kills
from scripts.checks.chaos.weird import weird
from scripts.checks.shared.command import script_parser, show

FAULTS = ("kills", "crashes", "loops", "hang-ups", "terms", "murders", "weird")
MOST = 10**9  # more would take years


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 if all guarantees were kept, 1 if one was not."""
    parser = script_parser("chaos", __doc__)
    parser.add_argument("names", nargs="*", type=among("fault", FAULTS), default=[], metavar="NAME",
        help=f"{', '.join(FAULTS)} (default: all)")  # fmt: skip
    parser.add_argument("--requests", type=whole("number of requests", 1, MOST), default=10_000,
        metavar="N", help="requests under kills or beside weird work (default: 10000)")  # fmt: skip
    parser.add_argument("--crashes", type=whole("number of crashes", 1, MOST), default=200,
        metavar="N", help="crashes of each model and start method (default: 200)")  # fmt: skip
    parser.add_argument("--server-python", default=sys.executable, metavar="PATH",
        help="the Python of the servers under crashes: a path from scripts/python")  # fmt: skip
    parser.add_argument("--times", type=whole("number of times", 1, MOST), default=20, metavar="N",
        help="how often servers end and clients disconnect (default: 20)")  # fmt: skip
    options = parser.parse_args(arguments)
    faults: dict[str, Callable[[], Iterator[str]]] = {
        "kills": lambda: kills(options.requests),
        "crashes": lambda: crashes(options.crashes, options.server_python),
        "loops": loops,
        "hang-ups": lambda: hang_ups(options.times),
        "terms": lambda: terms(options.times),
        "murders": lambda: murders(options.times),
        "weird": lambda: weird(options.requests),
    }
    show(describe(environment()))
    broken = 0
    for name in options.names or FAULTS:
        try:
            for line in faults[name]():
                show(line)
        except AssertionError as error:
            broken = 1
            show(f"{name}: BROKEN: {error}")
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
