"""A survival run from the terminal: Locust measures in a process of its own, this one shows it.

Locust patches the process that imports it, so it never is this one; what both know goes through
the run file.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console

from loadtests.records import Line, ResultsError
from loadtests.report.files import write
from loadtests.report.terminal import Screen, final
from loadtests.results import FILE_NAME, Tail, new_folder
from loadtests.subject import ROOT, interruptible
from loadtests.summary import exit_code
from loadtests.target import TargetError, discover

LOOK_S = 0.2
STOP_S = 30.0
LOG = "locust.log"


def survive(parsed: argparse.Namespace) -> int:
    """Run the search and follow it; returns the exit code that DESIGN promises."""
    if parsed.host:
        discover(parsed.host)  # says what is wrong before anything is written
    interruptible()
    folder = _folder(parsed.output)
    console = Console()
    screen, tail, begun = Screen(console), Tail(folder / FILE_NAME), monotonic()
    ended: Line | None = None
    try:
        with _locust(parsed, folder) as locust, screen.live(lambda: monotonic() - begun):
            while ended is None:
                over = locust.poll() is not None  # before the last look at the file
                for line in tail.read():
                    screen.update(line)
                    ended = line if line["line"] == "end" else ended
                if over:
                    break
                sleep(LOOK_S)
    except KeyboardInterrupt:
        console.print(f"Stopped. What was measured until then is in {folder}.")
        return 130
    if ended is None:
        raise ResultsError(f"the load generator ended before the run did; see {folder / LOG}")
    if ended["exit"] == 2:
        raise TargetError(ended["reason"])
    summary = write(folder)
    console.print(final(summary, folder))
    return exit_code(summary, parsed.at_least)


def _folder(asked: Path | None) -> Path:
    if asked is None:
        return new_folder(Path("results"), datetime.now(UTC))
    if (asked / FILE_NAME).exists():
        raise ResultsError(f"{asked} holds a run already; name another folder with --output")
    asked.mkdir(parents=True, exist_ok=True)
    return asked


@contextmanager
def _locust(parsed: argparse.Namespace, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py")),
        *("--headless", "--users", "1", "--spawn-rate", "1", "--skip-log-setup"),
        *("--scenario", "survival", "--mode", parsed.mode, "--slo", str(parsed.slo)),
        *("--workloads", *parsed.workloads, "--models", *parsed.models),
        *("--param", ",".join(parsed.param), "--seed", str(parsed.seed)),
        *("--output", str(folder.resolve())),
        *(("--host", parsed.host, "--running-service") if parsed.host else ()),
    ]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
