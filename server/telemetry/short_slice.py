"""How soon a thread that wakes gets a core: of those that want it, who asks for less comes first.

A sampler that waits behind what it samples sees it only after its end. Linux (6.12 and later) lets
any thread ask for a short slice, and lets it go before threads with longer ones when it wakes; it
gets no more time for that (`sched_setattr(2)`, and sched-eevdf in the documentation of the kernel).
"""

from __future__ import annotations

import os
import platform
import struct
import sys
from contextlib import suppress

SLICE_NS = 100_000  # the shortest that there is
ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # size, policy, flags, nice, priority, runtime, …
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}  # before glibc 2.41 it has no name


def request_short_slice() -> None:
    """Ask for the shortest slice for the calling thread; without effect where there is none."""
    number = SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or not number or sys.maxsize < 2**32:
        return
    with suppress(ImportError, OSError, AttributeError):  # a Python can be built without ctypes
        import ctypes  # noqa: PLC0415 - only where it is of use

        if os.sched_getscheduler(0) != os.SCHED_OTHER:
            return  # who was given another policy keeps it
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        asked = ATTRIBUTES.pack(ATTRIBUTES.size, os.SCHED_OTHER, 0, nice, 0, SLICE_NS, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, asked, 0)
