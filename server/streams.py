"""Standard output carries one line, the address: all that is printed goes to standard error.

Whoever starts a server reads that line and nothing after it. What workloads print would fill the
pipe and then block them; what they print while they are imported would come before the address.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_kept: list[int] = []  # the descriptor of standard output as it was, until it is let go


def reserve() -> None:
    """Keep standard output for `greet`, here and in all processes that are started from here.

    To be called before anything is started and before any module of a user is imported.
    """
    for descriptor in range(3):  # a closed one would be the number of the next file or socket
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout:
        sys.stdout.flush()
    _kept.append(os.dup(1))
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    os.environ["PYTHONUNBUFFERED"] = "1"  # workers print line by line too, and end without a flush


def close_input() -> None:
    """End standard input: work that reads it neither waits for a terminal nor takes its input."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def greet(line: str) -> None:
    """Write the line, unless nobody is there to read it."""
    for descriptor in _kept:
        with suppress(OSError):
            os.write(descriptor, f"{line}\n".encode())


def let_go() -> None:
    """Close it in a worker that was forked, or it would stay open after the server's end."""
    while _kept:
        os.close(_kept.pop())
