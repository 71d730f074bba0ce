"""Ask the scheduler for a short time slice, so that the GIL sampler is woken promptly.

A sampler that waits behind the work it samples sees that work only after its end. On Linux 6.12 and
later, any thread may ask for a short slice. When it wakes, it runs before threads with longer ones,
but it gets no more time in total (`sched_setattr(2)`, and sched-eevdf in the kernel's docs).
"""

from __future__ import annotations

import os
import platform
import struct
import sys
from contextlib import suppress

SLICE_NS = 100_000  # the shortest possible
ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # size, policy, flags, nice, priority, runtime, …
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}  # glibc has no wrapper before 2.41


def request_short_slice() -> None:
    """Ask for the shortest slice for the calling thread; without effect where there is none."""
    number = SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or not number or sys.maxsize < 2**32:
        return
    with suppress(ImportError, OSError, AttributeError):  # a Python can be built without ctypes
        import ctypes  # noqa: PLC0415 - only where it is used

        if os.sched_getscheduler(0) != os.SCHED_OTHER:
            return  # keep a policy that was set from outside
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        attributes = ATTRIBUTES.pack(ATTRIBUTES.size, os.SCHED_OTHER, 0, nice, 0, SLICE_NS, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, attributes, 0)
