"""Standard output has one line, the address; all else that is printed goes to standard error.

A program that starts a server reads that line and nothing after it. What workloads print would fill
the pipe and then block them; what they print while being imported would come before the address.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_kept: list[int] = []  # a duplicate of the original standard output


def reserve() -> None:
    """Keep standard output for `greet`, here and in all processes that are started from here.

    Call this before anything is started and before any module of a user is imported.
    """
    for descriptor in range(3):  # the next file or socket would get the number of a closed one
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout:
        sys.stdout.flush()
    _kept.append(os.dup(1))
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    os.environ["PYTHONUNBUFFERED"] = "1"  # workers end without a flush


def close_input() -> None:
    """Replace standard input, so that work that reads it gets an end of file."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def greet(line: str) -> None:
    """Write the line, if anything still reads it."""
    for descriptor in _kept:
        with suppress(OSError):
            os.write(descriptor, f"{line}\n".encode())


def let_go() -> None:
    """Close it in a forked worker, or it would stay open after the end of the server."""
    while _kept:
        os.close(_kept.pop())
