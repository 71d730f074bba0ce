"""`python -m loadtests`: the survival search in the terminal; reports of runs, and comparisons."""

from __future__ import annotations

from loadtests.system import start

if __name__ == "__main__":
    start.begin()  # before the rest is loaded, which takes a while

import argparse
from pathlib import Path
from typing import Any

from loadtests.capacity.support import objective
from loadtests.commands.compare_words import add_compare
from loadtests.commands.reading import beyond, hosts, rate, setting, single, some, time
from loadtests.commands.surge import surge
from loadtests.commands.survive import survive
from loadtests.commands.up import up
from loadtests.commands.words import Parser, add_generators, checked, whole
from loadtests.errors import MeasurementGone, RunFileError, ServiceError
from loadtests.load.distributed.processes import HERE
from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.surge.files import Surged
from loadtests.report.survival.files import Survived
from loadtests.run.beyond.kinds import KINDS
from loadtests.run.file.run_file import run_folder
from loadtests.run.options import HEADLINE_MODELS, HEADLINE_WORKLOADS
from loadtests.run.surge.lines import is_surge
from loadtests.run.surge.phases import DURATIONS, durations
from loadtests.run.surge.request import HEADLINE_POLICIES, policies
from loadtests.service.option_flags import add_axes
from loadtests.system.streams import tell

MOST_SEARCHES = 50
PORTS = 65535  # the last one


def main(arguments: list[str]) -> int:
    """Give exit codes: 0 done, 1 below --at-least, 2 usage, 3 no trustworthy result."""
    parsed = parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except MeasurementGone as error:
        tell(error)
        return 3
    except (RunFileError, ServiceError) as error:
        tell(error)
        return 2
    except OSError as error:  # such as an --output that may not be written
        where = f"{error.filename}: " if error.filename else ""
        tell(f"{where}{error.strerror or error}")
        return 2


def report(parsed: argparse.Namespace) -> int:
    """Write the files of a run again, and show it."""
    folder = run_folder(parsed.folder)
    kind = Surged if is_surge(folder) else Survived
    return deliver(kind, folder, console_for(json=parsed.json), json=parsed.json)[1]


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="python -m loadtests", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("survive", help="find out what each model bears")
    one.set_defaults(run=survive)
    one.add_argument("--workloads", type=checked(some), action="extend", metavar="W,...",
        help="workloads, or all, or modules of your own such as ./mine.py "
        f"(default: {','.join(HEADLINE_WORKLOADS)})")  # fmt: skip
    one.add_argument("--models", type=checked(some), default=HEADLINE_MODELS, metavar="M,...",
        help=f"models, or all (default: {','.join(HEADLINE_MODELS)})")  # fmt: skip
    _add_measured(one)
    _add_json(one)
    care = one.add_mutually_exclusive_group()
    care.add_argument("--quick", dest="mode", action="store_const", const="quick", default="quick",
        help="about 20 s for a cell, intervals 36 %% wide (default)")  # fmt: skip
    care.add_argument("--full", dest="mode", action="store_const", const="full",
        help="up to 9 minutes for a cell, three searches of it: what one publishes")  # fmt: skip
    one.add_argument("--searches", type=whole("count of searches", 1, MOST_SEARCHES), metavar="N",
        help="of each cell, on fresh servers (default: 3 with --full, else 1)")  # fmt: skip
    one.add_argument("--budget", type=checked(time), metavar="TIME",
        help="begin no search after this time, such as 30m; --output DIR goes on")  # fmt: skip
    one.add_argument("--prove", action="store_true",
        help="change only what was blamed for each break, and search again")  # fmt: skip
    one.add_argument("--beyond", type=checked(beyond), default=(),
        metavar="KIND[=TIME],...", help=f"trials beyond the peak: {', '.join(KINDS)}, or none "
        "(default: all with --full, else none)")  # fmt: skip
    one.add_argument("--host", metavar="URL",
        help="measure this running service; without it, fresh servers are started")  # fmt: skip
    one.add_argument("--server-python", action="append", default=[], metavar="PYTHON",
        help="run servers on this Python: its path, or such as 3.13t; repeatable")  # fmt: skip
    one.add_argument("--at-least", type=checked(rate), metavar="RATE",
        help="exit with 1 if a cell bears less than this many requests per second")  # fmt: skip
    add_generators(one)
    add_axes(one)

    _add_surge(commands)

    both = commands.add_parser("up", help="run the server and the Locust UI")
    both.set_defaults(run=up)
    both.add_argument("--port", type=whole("port", 0, PORTS), default=8080,
        help="of the server (default: 8080)")  # fmt: skip
    both.add_argument("--web-port", type=whole("port", 1, PORTS), default=8089,
        help="of the UI (default: 8089)")  # fmt: skip
    both.add_argument("--web-host", default=HERE, metavar="ADDRESS",
        help="where the UI listens (default: 127.0.0.1, so for this machine alone); with 0.0.0.0, "
        "everybody on the network can start load tests here, without a password")  # fmt: skip
    both.add_argument("--allow-host", type=checked(hosts), default=(), metavar="NAME,...",
        help="further host names under which the UI may be opened, e.g. bench.lan")  # fmt: skip
    both.add_argument("--workloads", type=checked(some), action="extend", metavar="W,...",
        help="modules of your own to serve, and workloads to choose in the form")  # fmt: skip
    add_generators(both)
    add_axes(both)

    other = commands.add_parser("report", help="show a finished run again")
    other.set_defaults(run=report)
    other.add_argument("folder", type=Path, metavar="DIR")

    add_compare(commands)
    _add_json(other)
    return top


def _add_surge(commands: Any) -> None:
    one = commands.add_parser("surge",
        help="see what a surge of load leaves behind, under each admission policy")  # fmt: skip
    one.set_defaults(run=surge)
    one.add_argument("--workload", dest="workloads", type=checked(single), default=("primes",),
        metavar="W", help="workload, or a module with one (default: primes)")  # fmt: skip
    one.add_argument("--model", default="process-pool", metavar="M",
        help="model to run it under (default: process-pool)")  # fmt: skip
    one.add_argument("--admission", dest="policies", type=checked(policies),
        default=HEADLINE_POLICIES, metavar="P,...", help="policies, one after the other, or all "
        f"(default: {','.join(HEADLINE_POLICIES)})")  # fmt: skip
    one.add_argument("--phases", type=checked(durations), default=DURATIONS, metavar="T,T,T",
        help="how long before the surge, during it, and after it (default: 5s,8s,15s)")  # fmt: skip
    _add_measured(one)
    add_axes(one, but=("admission",))


def _add_measured(one: argparse.ArgumentParser) -> None:
    """Add what every measurement can be told."""
    one.add_argument("--slo", type=checked(objective), default=objective("p99<250ms"),
        metavar="SLO", help="service-level objective (default: p99<250ms)")  # fmt: skip
    one.add_argument("--param", action="append", default=[], metavar="W.NAME=VALUE",
        type=checked(setting), help="set a parameter of a workload")  # fmt: skip
    one.add_argument("--seed", type=whole("seed", 0, 2**32), default=1,
        help="seed of arrivals and order (default: 1)")  # fmt: skip
    one.add_argument("--output", type=Path, metavar="DIR",
        help="folder for the results, or one to resume (default: results/<UTC time>)")  # fmt: skip


def _add_json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true",
        help="write summary.json, and only that, to standard output")  # fmt: skip


if __name__ == "__main__":
    start.carry_out(main)
