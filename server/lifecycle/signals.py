"""Handle the signals that end the server, also while work blocks its event loop.

    signal ──▶ wake-up descriptor (written by C code at any time) ──▶ thread ──▶ handler

The event loop's own handlers do not run while `inline` works. A child that is forked while the
server runs must not write to that descriptor: its signals would be taken for the server's.

Work on the event loop may replace handlers, and work in a thread may set an alarm, whose default
is the end of the process. So handlers are put back, and alarms without one do nothing.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)

INTERRUPTED = 130  # the exit code of what Ctrl-C ends before it serves, as in a shell
ALARMS = (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF)

_handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {}
_bells: list[socket.socket] = []  # one, once the server handles signals
_around_fork = threading.local()


def hear(*numbers: signal.Signals, handler: Callable[[int], None]) -> None:
    """Call the handler with each of these signals, in a thread of its own.

    Call this on the main thread.
    """
    heard, bell = socket.socketpair()
    bell.setblocking(False)
    _bells[:] = [bell]
    _handlers.update(dict.fromkeys(ALARMS, _ignore) | dict.fromkeys(numbers, _note))
    listen()
    awaited = frozenset(numbers)
    threading.Thread(
        target=_listen, args=(heard, awaited, handler), name="signals", daemon=True
    ).start()


def listen() -> bool:
    """Take handlers and wake-up descriptor back: uvloop takes it whenever it starts to run.

    Returns whether it was ours already. Only the main thread can take it.
    """
    if not _bells or threading.current_thread() is not threading.main_thread():
        return True
    for number, handler in _handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
            signal.siginterrupt(number, False)
    ours = _bells[0].fileno()
    return signal.set_wakeup_fd(ours, warn_on_full_buffer=False) == ours


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Outlive an alarm; a handler, because programs that work starts would inherit SIG_IGN."""


def _note(number: int, _frame: FrameType | None) -> None:
    """Pass on a signal that was written to the event loop's descriptor, or to none."""
    if not listen():
        _bells[0].send(bytes([number]))


def _listen(
    heard: socket.socket, awaited: frozenset[signal.Signals], handler: Callable[[int], None]
) -> None:
    while True:
        for number in heard.recv(64):
            if number in awaited:
                handler(number)


def forget_in_forks() -> None:
    """Give each child that is forked from now on the signal handlers of a new process.

    Signals are blocked until then, because a child may be sent one while it is being forked.
    """
    os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_forget)


def _block() -> None:
    _around_fork.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _around_fork.mask)


def _forget() -> None:
    while _bells:
        _bells.pop().close()
    signal.set_wakeup_fd(-1)
    for number in (*ENDING, *ALARMS):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _unblock()
