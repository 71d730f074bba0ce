"""A survival run from the terminal: Locust measures in another process, and this one shows it.

Importing Locust monkey-patches the process, so the search runs in a child; the run file is the
only channel between them.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from loadtests.commands.follow import INTERRUPTED, measured
from loadtests.commands.parser import options_of
from loadtests.errors import ServiceError
from loadtests.load.distributed.processes import distributed
from loadtests.paths import ROOT
from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.summary import exit_code
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.live import LiveScreen
from loadtests.run.options import Options
from loadtests.run.survival.history import resumable
from loadtests.service.contract import discover
from loadtests.service.options import ServerOptions, flags
from loadtests.system.signals import interruptible

LOG = "locust.log"


def run(parsed: argparse.Namespace) -> int:
    """Run the search and show it; returns 0, 1 below --at-least, 2 usage, 3 no trusted result."""
    servers = ServerOptions.from_arguments(parsed)  # reports errors before anything is written
    options = options_of(parsed, servers=servers)
    if options.host:
        _check_unchanged(servers)
        discover(options.host)
    interruptible()
    console = console_for(json=parsed.json)
    measurement = measured(
        parsed.output,
        LOG,
        LiveScreen,
        partial(_command, options),
        resumable=partial(resumable, request={"options": options.record()}),
        console=console,
    )
    if measurement is None:
        return INTERRUPTED
    folder, code = measurement
    latest = parsed.output is None
    report, unwritten = deliver(SurvivalReport, folder, console, json=parsed.json, latest=latest)
    return code or exit_code(report.summary, parsed.at_least) or unwritten


def _check_unchanged(servers: ServerOptions) -> None:
    """Raise ServiceError for options that only a fresh server can have."""
    pythons = [python.name for python in servers.pythons if python.name]
    given = [*flags(servers.axes), *servers.modules, *pythons]
    if given:
        raise ServiceError(
            f"--host measures a running service as it is, so {given[0]} has no effect; "
            "start the service with it, or leave out --host"
        )


def _command(options: Options, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "loadtests.ui.launch"),
        *("-f", str(ROOT / "loadtests" / "locustfile.py")),
        *distributed(options.generators),
        *("--headless", "--users", "1", "--spawn-rate", "1", "--skip-log-setup"),
        *("--options", replace(options, output=str(folder)).dump()),
        *(("--host", options.host) if options.host else ()),
    ]
