"""A surge from the terminal: measured in a process of its own, shown here as it goes on."""

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


def surge(parsed: argparse.Namespace) -> int:
    """Run the surge under each policy; returns 0 done, 2 usage, 3 no trustworthy result."""
    order = SurgeRequest.asked(parsed)  # says what is wrong before anything is written
    interruptible()

    def command(folder: Path) -> list[str]:
        return [sys.executable, "-m", "loadtests.run.surge.run", order.dump(), str(folder)]

    console = console_for()
    found = measured(parsed.output, LOG, SurgeScreen, command, console=console)
    if found is None:
        return INTERRUPTED
    folder, code = found
    _, unwritten = deliver(Surged, folder, console, latest=parsed.output is None)
    return code or unwritten
