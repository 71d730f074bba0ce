"""A survival run from the terminal: Locust measures in a process of its own, this one shows it.

Locust patches the process that imports it, so it never is this one; what both know goes through
the run file.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from rich.console import Console

from loadtests.axes import flags
from loadtests.following import INTERRUPTED, measured
from loadtests.generators import distributed
from loadtests.options import HEADLINE_WORKLOADS
from loadtests.report.files import write
from loadtests.report.screen import Screen
from loadtests.report.terminal import final
from loadtests.servers import Servers
from loadtests.subject import ROOT, interruptible
from loadtests.summary import exit_code
from loadtests.target import TargetError, discover

LOG = "locust.log"


def survive(parsed: argparse.Namespace) -> int:
    """Run the search and follow it; returns the exit code that DESIGN promises."""
    servers = Servers.asked(parsed)  # says what is wrong before anything is written
    if parsed.host:
        _left_as_it_is(servers)
        discover(parsed.host)
    interruptible()
    found = measured(parsed.output, LOG, Screen, partial(_command, parsed, servers), resumable=True)
    if found is None:
        return INTERRUPTED
    folder, code = found
    summary = write(folder)
    Console().print(final(summary, folder))
    return code or exit_code(summary, parsed.at_least)


def _left_as_it_is(servers: Servers) -> None:
    """Raise TargetError where a running service is to be what only a fresh one can be."""
    pythons = [python.name for python in servers.pythons if python.name]
    asked = [*flags(servers.axes), *servers.modules, *pythons]
    if asked:
        raise TargetError(
            f"--host measures a running service as it was started, which {asked[0]} cannot change; "
            "start that service so, or leave --host out"
        )


def _command(parsed: argparse.Namespace, servers: Servers, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py")),
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
