"""The signals that end a command: a person's, and those of a terminal that closes."""

from __future__ import annotations

import os
import resource
import select
import signal
from types import FrameType

GONE_MS = 100  # what reads our output gets the signal in the same moment as we do
SHOW_CURSOR = b"\x1b[?25h"

Frame = FrameType | None


def interruptible() -> None:
    """Turn SIGINT and SIGTERM into KeyboardInterrupt, also where a shell had them ignored.

    So does SIGHUP, which a terminal sends that closes, unless `nohup` had it ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if not ignored(signal.SIGHUP):
        signal.signal(signal.SIGHUP, _hang_up)
    die_of_quit()


def ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def die_of_quit() -> None:
    """End at once at SIGQUIT, but leave no core file; what we have started follows."""
    signal.signal(signal.SIGQUIT, _die)


def _hang_up(_number: int, _frame: Frame) -> None:
    """Stop as at Ctrl-C, but once: a shell and its terminal may both send the signal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for descriptor in (1, 2):
        if _unread(descriptor):  # to write there would fail, and the report with it
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
    raise KeyboardInterrupt


def _unread(descriptor: int) -> bool:
    """Whether a terminal, or a pipe, has lost its other end."""
    look = select.poll()
    look.register(descriptor, 0)
    return any(seen & (select.POLLERR | select.POLLHUP) for _, seen in look.poll(GONE_MS))


def _die(number: int, _frame: Frame) -> None:
    for descriptor in (1, 2):
        if os.isatty(descriptor):
            os.write(descriptor, SHOW_CURSOR)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
