"""The signals that end a command: from a person, or from a terminal that closes."""

from __future__ import annotations

import os
import resource
import select
import signal
from types import FrameType

GONE_MS = 100  # the reader of our output gets the signal at the same moment
SHOW_CURSOR = b"\x1b[?25h"

Frame = FrameType | None


def interruptible() -> None:
    """Turn SIGINT and SIGTERM into KeyboardInterrupt, even if a shell had them ignored.

    The same goes for SIGHUP, which a closing terminal sends, unless `nohup` had it ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if not ignored(signal.SIGHUP):
        signal.signal(signal.SIGHUP, _hang_up)
    die_of_quit()


def ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def die_of_quit() -> None:
    """End at once at SIGQUIT, without a core file; our child processes end with us."""
    signal.signal(signal.SIGQUIT, _die)


def _hang_up(_number: int, _frame: Frame) -> None:
    """Stop as at Ctrl-C, but only once: a shell and its terminal may both send the signal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for descriptor in (1, 2):
        if _unread(descriptor):  # writing there would fail, and with it the report
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
    raise KeyboardInterrupt


def _unread(descriptor: int) -> bool:
    """Whether a terminal, or a pipe, has lost its other end."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(GONE_MS))


def _die(number: int, _frame: Frame) -> None:
    for descriptor in (1, 2):
        if os.isatty(descriptor):
            os.write(descriptor, SHOW_CURSOR)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
