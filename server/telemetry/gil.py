"""The share of time in which the GIL of this process is held: a thread samples it at random.

    sleep until an instant ──▶ wake ──▶ wait for the GIL ──▶ did that take a second sleep?

Poisson arrivals see time averages: the share of instants that find the GIL held is the share of
time in which other threads hold it. How late the thread gets the GIL says nothing, because a late
timer or a busy core looks the same, and a GIL released within microseconds looks free. The evidence
is how often the kernel saw the thread go to sleep (`getrusage(2)`, voluntary context switches):
once for the timer, and once more if the GIL was held. Waiting for a core does not count.
"""

from __future__ import annotations

import os
import platform
import resource
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from threading import Lock, Thread
from time import monotonic

MEAN_S = 0.025  # between instants: 200 in the shortest trial, for less than 0.5 % of a core
SLICE_NS = 100_000  # the shortest possible
ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # size, policy, flags, nice, priority, runtime, …
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}  # glibc has no wrapper before 2.41
LEAST_S = 0.0005  # with a timer already in the past, the thread would not sleep

Samples = tuple[int, int]  # how many were taken, and how many of them found the GIL held


class Sampler:
    """A thread that samples whether others hold the GIL, from `start` to `stop`."""

    def __init__(self) -> None:
        self._samples: Samples = (0, 0)
        self._running = Lock()
        self._thread: Thread | None = None

    @property
    def samples(self) -> Samples | None:
        """All samples; zeros without a GIL; None where the system cannot tell."""
        return self._samples if self._samples[0] or not _enabled() else None

    def start(self) -> None:
        sleeps = counter_of_sleeps()
        if sleeps and _enabled():
            self._running.acquire()
            self._thread = Thread(target=self._sample, args=(sleeps,), name="gil", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._running.release()
            self._thread.join()
            self._thread = None

    def _sample(self, sleeps: Callable[[], int]) -> None:
        request_short_slice()
        random = Random()  # noqa: S311 - a schedule, not a secret
        due = monotonic()
        held = False
        while True:
            due += random.expovariate(1 / MEAN_S)
            while due < (now := monotonic()):  # it passed during the last wait
                self._note(held)
                due += random.expovariate(1 / MEAN_S)
            before = sleeps()
            if self._running.acquire(timeout=max(due - now, LEAST_S)):
                return
            slept = sleeps() - before
            held = slept > 1
            if slept:  # some sandboxes count nothing
                self._note(held)

    def _note(self, held: bool) -> None:
        taken, found_held = self._samples
        self._samples = (taken + 1, found_held + held)


def counter_of_sleeps() -> Callable[[], int] | None:
    """Return a function that counts the sleeps of the calling thread; None if the system cannot."""
    scope = getattr(resource, "RUSAGE_THREAD", None)  # Linux and FreeBSD have it
    return None if scope is None else lambda: resource.getrusage(scope).ru_nvcsw


def request_short_slice() -> None:
    """Ask for the shortest slice for the calling thread; without effect where there is none.

    A sampler that waits behind the work it samples sees that work only after its end. On Linux 6.12
    and later, any thread may ask for a short slice. When it wakes, it runs before threads with
    longer ones, but it gets no more time in total (`sched_setattr(2)`, and sched-eevdf in the
    kernel's docs).
    """
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


def _enabled() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


class Shared:
    """One sampler for all event loops of a process: the first starts it, and the last stops it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loops = 0
        self._sampler = Sampler()

    @contextmanager
    def sampler(self) -> Iterator[Sampler]:
        """Sample while the context is open."""
        with self._lock:
            if self._loops == 0:
                self._sampler = Sampler()
                self._sampler.start()
            self._loops += 1
            sampler = self._sampler
        try:
            yield sampler
        finally:
            with self._lock:
                self._loops -= 1
                if self._loops == 0:
                    sampler.stop()


SHARED = Shared()
