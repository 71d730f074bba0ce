"""The command line: four commands, each with its purpose, its options in groups, and an example."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

from loadtests.commands.words import Parser, Reading, checked, hosts, rate, tolerance, whole
from loadtests.load.distributed.processes import HERE
from loadtests.report.against import TOLERANCE
from loadtests.report.floors import floors
from loadtests.run.flags import some_names
from loadtests.run.options import MEASURE, MOST_GENERATORS, PRECISION, SERVICE, Options, flagged
from loadtests.service.options import add_axes
from loadtests.system.program import PROGRAM, SCRIPT

PORTS = 65535  # the last one
OUTPUT = "the output"
FORMATS = ("text", "markdown", "json")
SURVIVE = "Find the highest load that each concurrency model sustains, and what runs out first."
# Names of the server's own, for help alone: a run learns from the server what it offers.
MODELS = (
    *("inline", "async", "thread-per-request", "thread-pool", "process-per-request"),
    *("process-pool", "supervised-process-pool", "interpreter-pool", "hybrid", "dask"),
)
WORKLOADS = (
    *("sleep", "fetch", "file", "query", "rows", "count", "primes", "montecarlo", "sha256"),
    *("compress", "echo", "noop", "scrape", "postgres"),
)
# What other load generators ask for, and how survive answers it.
FINDS_RATE = "the rate is what survive finds; to check one of yours, see --load and --at-least"
LASTS = "rounds go on until the answer is sure; see --budget, --quick and --full"
ELSEWHERE = {
    "--postgres": "set LOADBEARING_POSTGRES instead: a run's options are recorded, and an address "
    "has a password",
    **dict.fromkeys(("--rate", "--rps", "--qps", "--throughput"), FINDS_RATE),
    **dict.fromkeys(
        ("--users", "--spawn-rate", "--concurrency", "--connections", "--clients", "--vus"),
        f"requests start on a schedule, no matter how many wait; {FINDS_RATE}",
    ),
    **dict.fromkeys(("--duration", "--run-time", "--time", "--requests"), LASTS),
}
UP = "Run the server and the Locust web interface, until Ctrl-C."
REPORT = "Show the results of a run, and write its report.html, summaries and pictures again."
COMPARE = "Compare survival runs, cell by cell: ratios with intervals, and what was different."
SUMMARY = {"survive": SURVIVE, "up": UP, "report": REPORT, "compare": COMPARE}
NAMING = {"survive"}  # commands that take names of workloads and models
EXAMPLES = {
    "survive": "--workloads sleep --models inline,async,thread-pool",
    "up": "--threads 8 --workloads ./mine.py",
    "report": "results/latest",
    "compare": "results/mine results/latest",
}
EXIT_CODES = {
    "survive": "0 done, 1 certainly too low (--at-least, --against), 2 wrong usage, 3 cannot tell",
    "compare": "0 no regression, 1 a capacity dropped significantly, 2 wrong usage, 3 cannot tell",
}


class Version(argparse.Action):
    """Prints the version and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from loadtests.machine.environment import PROJECT, version  # noqa: PLC0415 - takes a while

        print(f"{PROJECT} {version()}")  # noqa: T201 - this is its purpose
        parser.exit()


def parser() -> argparse.ArgumentParser:
    top = Parser(prog=PROGRAM, description="Load tests for the loadbearing server.")
    _add_version(top)
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _survive(_command(commands, "survive"))
    _up(_command(commands, "up"))
    _report(_command(commands, "report"))
    _compare(_command(commands, "compare"))
    return top


def add_options(parser: argparse.ArgumentParser, kind: type[Options] = Options) -> dict[str, Any]:
    """Add the fields that have a flag; returns the groups of options by title."""
    groups = {title: parser.add_argument_group(title) for title in (MEASURE, PRECISION, SERVICE)}
    for name, item, flag in flagged(kind):
        group, word = groups[flag.group], f"--{name.replace('_', '-')}"
        common: dict[str, Any] = {"dest": item.name, "default": argparse.SUPPRESS}
        default = getattr(kind(), item.name)
        if flag.choices:
            either = group.add_mutually_exclusive_group()
            for value, text in flag.choices.items():
                either.add_argument(
                    f"--{value}", action="store_const", const=value, help=text, **common
                )
        elif default is False:
            group.add_argument(word, action="store_true", help=flag.help, **common)
        else:
            text = flag.help + ("" if "(default" in flag.help else _default(flag.write(default)))
            common |= {"action": Reading, "flag": flag, "metavar": flag.metavar, "help": text}
            group.add_argument(word, **common)
    return groups


def options_of(parsed: argparse.Namespace, kind: type[Options] = Options, **more: Any) -> Options:
    """Return the options that were parsed, with further fields."""
    given = {item.name for _, item, _ in flagged(kind)} & vars(parsed).keys()
    return kind.choose(**{name: getattr(parsed, name) for name in given}, **more)


def _default(words: Any) -> str:
    text = ",".join(words) if isinstance(words, list) else words
    return "" if text in {None, ""} else f" (default: {text})"


def _names(kind: str, known: Sequence[str]) -> str:
    """List names below the options of a command."""
    indent = " " * (len(kind) + 2)
    return fill(", ".join(known), 78, initial_indent=f"{kind}: ", subsequent_indent=indent) + "\n"


def _command(commands: Any, name: str) -> Parser:
    program = SCRIPT or f"{PROGRAM} {name}"
    codes = f"\nexit code: {EXIT_CODES[name]}" if name in EXIT_CODES else ""
    listed = _names("workloads", WORKLOADS) + _names("models", MODELS) if name in NAMING else ""
    parser: Parser = commands.add_parser(
        name,
        prog=program,
        help=SUMMARY[name],
        description=SUMMARY[name],
        epilog=f"{listed}example: {program} {EXAMPLES[name]}{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_version(parser)
    return parser


def _survive(parser: Parser) -> None:
    parser.elsewhere = ELSEWHERE
    groups = add_options(parser)
    groups[MEASURE].add_argument("--lesson", action="store_true",
        help="two minutes: sleep and primes inline, in threads and in processes, with what to "
        "expect and what was found")  # fmt: skip
    groups[SERVICE].add_argument("--server-python", action="append", default=[], metavar="PYTHON",
        help="run servers on this Python: a path or version, e.g. 3.13t; repeatable")  # fmt: skip
    _add_tolerance(groups[PRECISION], TOLERANCE, "how much less the service of --start may sustain "
        "than that of --against")  # fmt: skip
    add_axes(parser)
    output = _add_output(parser, "folder for results, or a run to resume")
    output.add_argument("--retry", type=Path, metavar="DIR",
        help="go on with the run in this folder, with the options that it was begun with: measure "
        "the cells that it lacks, and those that are unfinished")  # fmt: skip
    output.add_argument("--at-least", action="extend", default=[], metavar="[COLUMN=]RATE,...",
        type=checked(partial(floors, rate=rate)),
        help="requests per second that each column has to sustain under the row to use, or a row "
        "of it (orders/thread-pool=200); exit with 1 if one certainly sustains less, with 3 if "
        "this run cannot tell")  # fmt: skip
    _add_junit(output)
    _add_json(output)
    _add_verbose(output)


def _up(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(MEASURE)
    group.add_argument("--workloads", type=checked(some_names), action="extend", metavar="W,...",
        help="your own modules to load; workloads named here are preselected")  # fmt: skip
    group.add_argument("--generators", metavar="N", default=1,
        type=whole("number of processes", 1, MOST_GENERATORS),
        help="processes that offer the load (default: 1)")  # fmt: skip
    group = parser.add_argument_group("addresses")
    group.add_argument("--port", type=whole("port", 0, PORTS), default=8080,
        help="port of the server (default: 8080)")  # fmt: skip
    group.add_argument("--web-port", type=whole("port", 1, PORTS), default=8089, metavar="PORT",
        help="port of the web interface (default: 8089)")  # fmt: skip
    group.add_argument("--web-host", default=HERE, metavar="ADDRESS",
        help="address that the web interface listens on (default: 127.0.0.1, reachable from this "
        "machine only); with 0.0.0.0, anyone on the network can start load tests here, without a "
        "password")  # fmt: skip
    group.add_argument("--allow-host", type=checked(hosts), default=(), metavar="NAME,...",
        help="more host names of the web interface, e.g. bench.lan")  # fmt: skip
    add_axes(parser)


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a run")
    output = parser.add_argument_group(OUTPUT)
    _add_json(output)
    _add_verbose(output)


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR",
        help="run folders; the first is the baseline")  # fmt: skip
    group = parser.add_argument_group(PRECISION)
    _add_tolerance(group, 0.0, "how much less a cell may sustain, e.g. 10%%")
    group = parser.add_argument_group(OUTPUT)
    group.add_argument("--format", choices=FORMATS,
        help="output format (default: by the suffix of --output, else text)")  # fmt: skip
    group.add_argument("--output", type=Path, metavar="FILE",
        help="also write the comparison to a .md, .txt or .json file")  # fmt: skip
    _add_junit(group)


def _add_output(parser: argparse.ArgumentParser, folder: str) -> Any:
    group = parser.add_argument_group(OUTPUT)
    group.add_argument("--output", type=Path, metavar="DIR",
        help=f"{folder} (default: results/<UTC time>)")  # fmt: skip
    return group


def _add_tolerance(group: Any, default: float, text: str) -> None:
    group.add_argument("--tolerance", type=checked(tolerance), default=default, metavar="SHARE",
        help=f"{text} (default: {100 * default:.0f}%%)")  # fmt: skip


def _add_junit(group: Any) -> None:
    group.add_argument("--junit", type=Path, metavar="FILE",
        help="write the outcome as JUnit XML, for a CI server")  # fmt: skip


def _add_json(group: Any) -> None:
    group.add_argument("--json", action="store_true",
        help="write summary.json, and only that, to standard output")  # fmt: skip


def _add_verbose(group: Any) -> None:
    group.add_argument("-v", "--verbose", action="store_true",
        help="also print causes, costs, estimates, proofs and warnings")  # fmt: skip


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
