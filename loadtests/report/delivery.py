"""Report a finished run: first the results, on disk and on the terminal, then the pictures.

Whatever fails on the way is reported and affects nothing else.
"""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from rich.console import Console, RenderableType
from rich.text import Text

from loadtests.errors import RunFileError
from loadtests.report.console import show
from loadtests.report.gallery import Gallery, reason
from loadtests.report.survival.live import live
from loadtests.report.survival.terminal import REPORT
from loadtests.run.file.folders import link_latest
from loadtests.system.files import put
from loadtests.system.program import script
from loadtests.system.streams import tell

UNWRITTEN = 2
STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class Report(Protocol):
    """The report of a run: texts for files, what a terminal shows, and pictures."""

    def texts(self) -> Mapping[str, str]: ...

    def shown(self) -> RenderableType: ...

    def pictures(self, gallery: Gallery) -> Iterator[tuple[str, Callable[[], str]]]: ...


AnyReport = TypeVar("AnyReport", bound=Report)


def deliver(
    read: Callable[[Path], AnyReport],
    folder: Path,
    console: Console,
    *,
    json: bool = False,
    latest: bool = False,
) -> tuple[AnyReport, int]:
    """Write and show the report of a run; return it, and 2 if its summary could not be written.

    With `latest`, the link of that name points to it from now on. A Ctrl-C waits until the summary
    is written, and is then raised again with a message that says what exists.
    """
    again = f"{script('report')} {folder}"
    try:
        with _held_off():
            report = read(folder)
            texts = report.texts()
            unwritten = list(_unwritten(folder, texts))
        problems = [
            f"not written: {problem}; once this is fixed, repeat it: {again}"
            for problem in unwritten
        ]
        if latest:
            try:
                link_latest(folder)
            except (RunFileError, OSError) as error:
                link = folder.parent / "latest"
                problems.append(f"{link} does not point to this run: {reason(error)}")
        show(console, report.shown(), folder, texts["summary.json"] if json else None)
        for problem in problems:
            tell(problem)
        _draw(report, folder, console, again, json=json)
    except KeyboardInterrupt as error:
        message = f"{error}" or "stopped"
        raise KeyboardInterrupt(
            f"{message}; the summary is in {folder}, draw the rest: {again}"
        ) from None
    return report, UNWRITTEN if unwritten else 0


def _unwritten(folder: Path, texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        try:
            put(folder / name, text)
        except OSError as error:
            yield f"{folder / name} ({reason(error)})"


def _draw(report: Report, folder: Path, console: Console, again: str, *, json: bool) -> None:
    gallery = Gallery()

    def draw() -> None:
        for name, picture in report.pictures(gallery):
            write = partial(_write, folder / name, picture)
            # An incomplete page is better than none, but not better than an earlier one.
            last = name == REPORT and not (folder / name).exists()
            gallery.attempt(name, write, None, stopped=last)

    with _handled(gallery.stop), live(console, lambda: Text("drawing …", style="dim")):
        gallery.attempt(REPORT, draw, None, stopped=True)
    if gallery.stopped:
        raise KeyboardInterrupt("; ".join(gallery.complaints))
    for complaint in gallery.complaints:
        tell(f"{complaint}; draw it later: {again}")
    if REPORT not in gallery.missing and not json:
        console.print(Text(f"Report: {folder / REPORT}", overflow="fold"))


def _write(path: Path, picture: Callable[[], str]) -> None:
    put(path, picture())


@contextmanager
def _handled(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Pass the signals that would raise KeyboardInterrupt to a handler."""
    default = signal.default_int_handler
    numbers = [number for number in STOPPING if signal.getsignal(number) is default]
    for number in numbers:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def _held_off() -> Iterator[None]:
    """Defer the signals that stop a command until the block is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
