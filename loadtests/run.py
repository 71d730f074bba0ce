"""A survival run from the terminal: Locust measures in a process of its own, this one shows it.

Locust patches the process that imports it, so it never is this one; what both know goes through
the run file.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console

from loadtests.axes import flags
from loadtests.folders import link_latest, new_folder
from loadtests.options import HEADLINE_WORKLOADS
from loadtests.records import Line, ResultsError
from loadtests.report.files import write
from loadtests.report.terminal import Screen, final
from loadtests.results import FILE_NAME, Tail
from loadtests.servers import Servers
from loadtests.subject import ROOT, interruptible
from loadtests.summary import exit_code
from loadtests.target import TargetError, discover

LOOK_S = 0.2
STOP_S = 30.0
LOG = "locust.log"
RESULTS = "results"


def survive(parsed: argparse.Namespace) -> int:
    """Run the search and follow it; returns the exit code that DESIGN promises."""
    servers = Servers.asked(parsed)  # says what is wrong before anything is written
    if parsed.host:
        _left_as_it_is(servers)
        discover(parsed.host)
    interruptible()
    folder, made = _folder(parsed.output)
    console = Console()
    try:
        ended = _follow(parsed, servers, folder, Screen(console))
    except KeyboardInterrupt:
        if not _begun(folder):
            console.print("Stopped before anything was measured.")
            return 130
        console.print("Stopped. This is what was measured until then:")
        ended = {"exit": 130}
    if ended["exit"] == 2:
        if made:
            _remove(folder)  # nothing was measured
        raise TargetError(ended["reason"])
    if parsed.output is None:
        link_latest(folder)
    summary = write(folder)
    console.print(final(summary, folder))
    return ended["exit"] or exit_code(summary, parsed.at_least)


def _left_as_it_is(servers: Servers) -> None:
    """Raise TargetError where a running service is to be what only a fresh one can be."""
    pythons = [python.name for python in servers.pythons if python.name]
    asked = [*flags(servers.axes), *servers.modules, *pythons]
    if asked:
        raise TargetError(
            f"--host measures a running service as it was started, which {asked[0]} cannot change; "
            "start that service so, or leave --host out"
        )


def _begun(folder: Path) -> bool:
    lines = Tail(folder / FILE_NAME).read()
    return bool(lines) and lines[0]["line"] == "run"


def _follow(parsed: argparse.Namespace, servers: Servers, folder: Path, screen: Screen) -> Line:
    """Show the run until it ends, and return its last line."""
    tail, begun = Tail(folder / FILE_NAME), monotonic()
    with _locust(parsed, servers, folder) as locust, screen.live(lambda: monotonic() - begun):
        while True:
            over = locust.poll() is not None  # before the last look at the file
            for line in tail.read():
                screen.update(line)
                if line["line"] == "end":
                    return line
            if over:
                raise ResultsError(f"the load generator ended before its run; see {folder / LOG}")
            sleep(LOOK_S)


def _folder(asked: Path | None) -> tuple[Path, bool]:
    """Find the folder for the results; tells whether it is new."""
    if asked is None:
        return new_folder(Path(RESULTS), datetime.now(UTC)), True
    if (asked / FILE_NAME).exists():
        raise ResultsError(f"{asked} holds a run already; name another folder with --output")
    new = not asked.exists()
    asked.mkdir(parents=True, exist_ok=True)
    return asked, new


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)
    if folder.parent.name == RESULTS:
        with suppress(OSError):
            folder.parent.rmdir()  # if it holds no other run


@contextmanager
def _locust(
    parsed: argparse.Namespace, servers: Servers, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py")),
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
        *("--output", str(folder.resolve()), "--servers", servers.dump()),
        *(("--host", parsed.host, "--running-service") if parsed.host else ()),
    ]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=ROOT,  # where Locust finds our configuration, and none of the user's
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
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
