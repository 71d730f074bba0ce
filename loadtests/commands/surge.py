"""A surge from the terminal: another process measures it, and this one shows it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from loadtests.commands.follow import INTERRUPTED, measured
from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.surge.files import Surged
from loadtests.report.surge.terminal import SurgeScreen
from loadtests.run.surge.request import SurgeRequest
from loadtests.system.signals import interruptible

LOG = "surge.log"


def run(parsed: argparse.Namespace) -> int:
    """Run the surge under each policy; returns 0 done, 2 usage, 3 no trustworthy result."""
    request = SurgeRequest.from_arguments(parsed)  # reports errors before anything is written
    interruptible()

    def command(folder: Path) -> list[str]:
        return [sys.executable, "-m", "loadtests.run.surge.run", request.dump(), str(folder)]

    console = console_for()
    measurement = measured(parsed.output, LOG, SurgeScreen, command, console=console)
    if measurement is None:
        return INTERRUPTED
    folder, code = measurement
    _, unwritten = deliver(Surged, folder, console, latest=parsed.output is None)
    return code or unwritten
