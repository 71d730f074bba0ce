"""A surge from the terminal: measured in a process of its own, shown here as it goes on."""

from __future__ import annotations

import argparse
import sys
from time import monotonic

from rich.console import Console

from loadtests.folders import discard, folder_of, link_latest
from loadtests.following import begun, follow
from loadtests.report.surge_files import write
from loadtests.report.surge_terminal import Screen, final
from loadtests.subject import interruptible
from loadtests.surge.order import Order
from loadtests.target import TargetError

LOG = "surge.log"


def surge(parsed: argparse.Namespace) -> int:
    """Run the surge under each policy; returns 0 done, 2 usage, 3 no trustworthy result."""
    order = Order.asked(parsed)  # says what is wrong before anything is written
    interruptible()
    folder, made = folder_of(parsed.output)
    console, born = Console(), monotonic()
    screen = Screen(console)
    words = (order.dump(), str(folder.resolve()))
    command = [sys.executable, "-m", "loadtests.surge.measuring", *words]
    try:
        live = screen.live(lambda: monotonic() - born)
        ended = follow(command, folder / LOG, screen.update, live)
    except KeyboardInterrupt:
        if not begun(folder):
            console.print("Stopped before anything was measured.")
            return 130
        console.print("Stopped. This is what was measured until then:")
        ended = {"exit": 130}
    if ended["exit"] == 2:
        if made:
            discard(folder)  # nothing was measured
        raise TargetError(ended["reason"])
    if parsed.output is None:
        link_latest(folder)
    console.print(final(write(folder), folder))
    return int(ended["exit"])
