"""A survival run from the terminal: Locust measures in another process, and this one shows it.

Importing Locust monkey-patches the process, so a child does the measuring; the run file is the
only channel between them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.text import Text

from loadtests.cell import Cell
from loadtests.commands.follow import INTERRUPTED, measured
from loadtests.commands.gate import Gate, check_file
from loadtests.commands.lesson import LessonScreen, chosen
from loadtests.commands.parser import options_of
from loadtests.errors import RunFileError, ServiceError
from loadtests.load.distributed.processes import distributed
from loadtests.paths import LOCUSTFILE
from loadtests.report.against import BASE, Against, against_checks
from loadtests.report.check import Check
from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.floors import answer_checks, check_floors, exit_code, floor_checks
from loadtests.report.summary import Summary
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.live import LiveScreen
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.setting import setting
from loadtests.run.file.fold import read
from loadtests.run.guests import guests_of, with_usual
from loadtests.run.options import Options, flagged
from loadtests.run.survival.history import History, resumable
from loadtests.service.contract import discover
from loadtests.service.options import ServerOptions, axes_of, flags
from loadtests.service.workload_modules import ALL, is_module
from loadtests.system.signals import interruptible
from loadtests.wording import listing

LOG = "locust.log"


def run(parsed: argparse.Namespace) -> int:
    """Measure and show it; returns 0, 1 below --at-least, 2 usage, 3 cannot tell."""
    options, output = request(parsed)  # reports errors before anything is written
    pair = pair_of(options, parsed.tolerance)
    if not _own(options) and all(map(_is_name, (*options.workloads, *options.models))):
        check_floors(parsed.at_least, [Cell(*names) for names in options.cells])
    check_file(parsed.junit)
    if options.host:
        _check_unchanged(options.servers)
        discover(options.host)
    interruptible()
    console = console_for(json=parsed.json)
    measurement = measured(
        output,
        LOG,
        LessonScreen if parsed.lesson else LiveScreen,
        partial(_command, options),
        resumable=partial(resumable, request={"options": options.record()}),
        console=console,
    )
    if measurement is None:
        return INTERRUPTED
    folder, code = measurement
    latest = output is None
    kind = partial(SurvivalReport, verbose=parsed.verbose)
    report, unwritten = deliver(kind, folder, console, json=parsed.json, latest=latest)
    checks = floor_checks(report.summary, parsed.at_least)
    checks += against_checks(report.summary, pair) if pair else []
    for check in checks:
        console.print(Text(check.line.replace("`", "")))  # of Markdown
    gate = gate_of(report.summary, checks, answer_checks(report.summary, parsed.at_least))
    gate.report(console, parsed.junit)
    decisive = checks if parsed.at_least or pair else None
    return code or exit_code(report.summary, decisive) or unwritten


def gate_of(summary: Summary, checks: Sequence[Check], others: Sequence[Check]) -> Gate:
    properties = {
        "machine": setting(summary.environment),
        "objective": summary.slo,
        "mode": summary.mode,
        "command": summary.command,
    }
    text = markdown(summary, checks)
    return Gate("scripts/survive", checks, others, text, properties, summary.started)


def request(parsed: argparse.Namespace) -> tuple[Options, Path | None]:
    """Return what to measure, and the folder for it; with --retry, those of the run there.

    Raises ServiceError or RunFileError for what cannot be.
    """
    if parsed.retry is None:
        if parsed.lesson:
            chosen(parsed)
        options = options_of(parsed, servers=ServerOptions.from_arguments(parsed))
        return _with_guests(with_usual(with_base(options))), parsed.output
    if given := next(_given(parsed), None):
        raise ServiceError(
            f"--retry goes on with the run in {parsed.retry} as it was begun, so {given} cannot be "
            "given too; leave one of them out"
        )
    read(parsed.retry)  # reports a file of another version
    begun = History(parsed.retry).begun  # with what was added to the run since
    if "options" not in begun:
        raise RunFileError(f"{parsed.retry} does not say with which options its run was begun")
    options = Options.restore(begun["options"])
    servers = replace(options.servers, directory=options.servers.directory or str(Path.cwd()))
    return _with_guests(replace(options, servers=servers)), parsed.retry


def _with_guests(options: Options) -> Options:
    """Raise ServiceError for services of the user that cannot be measured as requested."""
    try:
        guests_of(options)
    except ValueError as error:
        raise ServiceError(str(error)) from None
    return options


def with_base(options: Options) -> Options:
    """Add the service of --against to those that are measured, unless it is one of them already.

    Raises ServiceError unless there is one other service.
    """
    if not options.against:
        return options
    base = f"{BASE}={options.against}"
    others = [text for text in (*options.services, *options.urls) if text != base]
    names = [text.partition("=")[0].strip() for text in others]
    if len(names) != 1 or BASE in names:
        given = f", not {listing(names)}" if names else ""
        raise ServiceError(
            f"--against measures one service beside another, which it names {BASE!r}: give one "
            f"other with --start NAME=COMMAND or --url NAME=URL{given}"
        )
    if base in (*options.services, *options.urls):
        return options
    if options.against.startswith(("http://", "https://")):
        return replace(options, urls=(*options.urls, base))
    return replace(options, services=(*options.services, base))


def pair_of(options: Options, tolerance: float) -> Against | None:
    """Return the services that `with_base` has put side by side."""
    if not options.against:
        return None
    names = [text.partition("=")[0].strip() for text in (*options.services, *options.urls)]
    return Against(next(name for name in names if name != BASE), BASE, tolerance)


def _own(options: Options) -> bool:
    """Whether services of the user are measured, whose columns are requests."""
    return bool(options.services or options.urls)


def _is_name(value: str) -> bool:
    """Whether it names one workload or model, rather than all, or a module that has some."""
    return value != ALL and not is_module(value)


def _given(parsed: argparse.Namespace) -> Iterator[str]:
    """Name the flags that say what to measure, or where to."""
    if parsed.lesson:
        yield "--lesson"
    for name, item, flag in flagged(Options):
        if item.name in parsed:
            word = getattr(parsed, item.name) if flag.choices else name
            yield f"--{word.replace('_', '-')}"
    yield from flags(axes_of(parsed))
    yield from (f"--server-python={python}" for python in parsed.server_python)
    if parsed.output:
        yield "--output"


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
        *("-f", str(LOCUSTFILE)),
        *distributed(options.generators),
        *("--headless", "--users", "1", "--spawn-rate", "1", "--skip-log-setup"),
        *("--options", replace(options, output=str(folder)).dump()),
        *(("--host", options.host) if options.host else ()),
    ]
