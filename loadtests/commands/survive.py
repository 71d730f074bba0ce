"""A survival run from the terminal: Locust measures in a process of its own, this one shows it.

Locust patches the process that imports it, so it never is this one; what both know goes through
the run file.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.commands.follow import INTERRUPTED, measured
from loadtests.errors import ServiceError
from loadtests.load.distributed.processes import distributed
from loadtests.paths import ROOT
from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.summary import exit_code
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.live import LiveScreen
from loadtests.run.beyond.kinds import chosen_kinds, seconds
from loadtests.run.options import HEADLINE_WORKLOADS, SEARCHES, Options, parameters
from loadtests.run.survival.history import resumable
from loadtests.run.survival.request import asked
from loadtests.service.contract import discover
from loadtests.service.option_flags import flags
from loadtests.service.options import ServerOptions
from loadtests.system.signals import interruptible

LOG = "locust.log"


def survive(parsed: argparse.Namespace) -> int:
    """Run the search and follow it; returns the exit code that DESIGN promises."""
    servers = ServerOptions.asked(parsed)  # says what is wrong before anything is written
    if parsed.host:
        _left_as_it_is(servers)
        discover(parsed.host)
    interruptible()
    console = console_for(json=parsed.json)
    found = measured(
        parsed.output,
        LOG,
        LiveScreen,
        partial(_command, parsed, servers),
        resumable=partial(resumable, asked=_asked(parsed, servers)),
        console=console,
    )
    if found is None:
        return INTERRUPTED
    folder, code = found
    latest = parsed.output is None
    report, unwritten = deliver(SurvivalReport, folder, console, json=parsed.json, latest=latest)
    return code or exit_code(report.summary, parsed.at_least) or unwritten


def _left_as_it_is(servers: ServerOptions) -> None:
    """Raise ServiceError where a running service is to be what only a fresh one can be."""
    pythons = [python.name for python in servers.pythons if python.name]
    asked = [*flags(servers.axes), *servers.modules, *pythons]
    if asked:
        raise ServiceError(
            f"--host measures a running service as it was started, which {asked[0]} cannot change; "
            "start that service so, or leave --host out"
        )


def _asked(parsed: argparse.Namespace, servers: ServerOptions) -> dict[str, Any]:
    """What the run file will say of it; which cells there are is not known yet."""
    options = Options(
        workloads=parsed.workloads or HEADLINE_WORKLOADS,
        models=parsed.models,
        load="open",
        arrivals="poisson",
        scenario="survival",
        slo=parsed.slo,
        mode=parsed.mode,
        seed=parsed.seed,
        parameters=parameters(parsed.param),
        output="",
        running_service=bool(parsed.host),
        servers=servers,
        beyond=chosen_kinds(parsed.beyond, parsed.mode),
        searches=parsed.searches or SEARCHES[parsed.mode],
        budget_s=seconds(parsed.budget) if parsed.budget else 0.0,
        prove=parsed.prove,
    )
    return asked(options, parsed.host, parsed.generators)


def _command(parsed: argparse.Namespace, servers: ServerOptions, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "loadtests.ui.launch"),
        *("-f", str(ROOT / "loadtests" / "locustfile.py")),
        *distributed(parsed.generators),
        *("--headless", "--users", "1", "--spawn-rate", "1", "--skip-log-setup"),
        *("--scenario", "survival", "--mode", parsed.mode, "--slo", str(parsed.slo)),
        *("--workloads", *(parsed.workloads or HEADLINE_WORKLOADS), "--models", *parsed.models),
        *(
            "--beyond",
            ",".join(parsed.beyond),
            "--param",
            ",".join(parsed.param),
            "--seed",
            str(parsed.seed),
        ),
        *("--searches", str(parsed.searches or 0), "--budget", parsed.budget or ""),
        *(("--prove",) if parsed.prove else ()),
        *("--output", str(folder), "--servers", servers.dump()),
        *(("--host", parsed.host, "--running-service") if parsed.host else ()),
    ]
