"""What work in the server's own process changes for all of it, and the server puts back."""

from __future__ import annotations

import asyncio
import sys
import threading

from server.lifecycle.signals import listen

LOOK_S = 0.5


def keep_up(loop: asyncio.AbstractEventLoop) -> None:
    """Put back now and then, as long as the loop runs: signal handlers, and limits of Python.

    Only a lower recursion limit and a longer switch interval hurt others, so only they are undone.
    """
    if threading.current_thread() is threading.main_thread():
        _look(loop, sys.getrecursionlimit(), sys.getswitchinterval())


def _look(loop: asyncio.AbstractEventLoop, depth: int, interval_s: float) -> None:
    loop.call_later(LOOK_S, _look, loop, depth, interval_s)  # first: a work's handler may raise
    listen()
    if sys.getrecursionlimit() < depth:
        sys.setrecursionlimit(depth)
    if sys.getswitchinterval() > interval_s:
        sys.setswitchinterval(interval_s)
