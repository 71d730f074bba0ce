"""A surge from the terminal: measured in a process of its own, shown here as it goes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from loadtests.following import INTERRUPTED, measured
from loadtests.report.surge_files import write
from loadtests.report.surge_terminal import Screen, final
from loadtests.signals import interruptible
from loadtests.surge.order import Order

LOG = "surge.log"


def surge(parsed: argparse.Namespace) -> int:
    """Run the surge under each policy; returns 0 done, 2 usage, 3 no trustworthy result."""
    order = Order.asked(parsed)  # says what is wrong before anything is written
    interruptible()

    def command(folder: Path) -> list[str]:
        return [sys.executable, "-m", "loadtests.surge.measuring", order.dump(), str(folder)]

    found = measured(parsed.output, LOG, Screen, command)
    if found is None:
        return INTERRUPTED
    folder, code = found
    Console().print(final(write(folder), folder))
    return code
