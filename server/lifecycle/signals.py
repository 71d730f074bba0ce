"""Handle the signals that end the server, also while work blocks its event loop.

    signal ──▶ wake-up descriptor (written by C code at any time) ──▶ thread ──▶ handler

The event loop's own handlers do not run while `inline` works. A child that is forked while the
server runs must not write to that descriptor: its signals would be taken for the server's.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)

_bells: list[socket.socket] = []  # one, once the server handles signals
_around_fork = threading.local()


def hear(*numbers: signal.Signals, handler: Callable[[], None]) -> None:
    """Call the handler for these signals, in a thread of its own. Call this on the main thread."""
    heard, bell = socket.socketpair()
    bell.setblocking(False)
    _bells[:] = [bell]
    for number in numbers:
        signal.signal(number, _note)
        signal.siginterrupt(number, False)
    listen()
    awaited = frozenset(numbers)
    threading.Thread(
        target=_listen, args=(heard, awaited, handler), name="signals", daemon=True
    ).start()


def listen() -> bool:
    """Take the wake-up descriptor back: uvloop takes it whenever it starts to run.

    Returns whether it was ours already. Only the main thread can take it.
    """
    if not _bells or threading.current_thread() is not threading.main_thread():
        return True
    ours = _bells[0].fileno()
    return signal.set_wakeup_fd(ours, warn_on_full_buffer=False) == ours


def _note(number: int, _frame: FrameType | None) -> None:
    """Pass on a signal that was written to the event loop's descriptor, or to none."""
    if not listen():
        _bells[0].send(bytes([number]))


def _listen(
    heard: socket.socket, awaited: frozenset[signal.Signals], handler: Callable[[], None]
) -> None:
    while True:
        for number in heard.recv(64):
            if number in awaited:
                handler()


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
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    _unblock()
