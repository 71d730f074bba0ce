"""The share of time in which the GIL of this process is held: a thread samples it at random.

    sleep until an instant ──▶ wake ──▶ wait for the GIL ──▶ did that take a second sleep?

Poisson arrivals see time averages: the share of instants that find the GIL held is the share of
time in which other threads hold it. How late the thread gets the GIL says nothing, because a late
timer or a busy core looks the same, and a GIL released within microseconds looks free. The evidence
is how often the kernel saw the thread go to sleep (`getrusage(2)`, voluntary context switches):
once for the timer, and once more if the GIL was held. Waiting for a core does not count.

While the process is idle, the thread rests.
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
from time import monotonic, process_time

MEAN_S = 0.025  # between instants: 200 in the shortest trial, for less than 0.5 % of a core
SLICE_NS = 100_000  # the shortest possible
ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # size, policy, flags, nice, priority, runtime, …
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}  # glibc has no wrapper before 2.41
LEAST_S = 0.0005  # with a timer already in the past, the thread would not sleep

Samples = tuple[int, int]  # how many were taken, and how many of them found the GIL held


class Sampler:
    """A thread, from `start` to `stop`, that samples whether others hold the GIL.

    It rests while no event loop of the process is awake, and counts as many samples for that time
    as it would have taken, so that their share remains a share of time. They find the GIL held for
    as long as the process computed, because it cannot have been held for longer.
    """

    def __init__(self) -> None:
        self._taken: Samples = (0, 0)  # only the thread writes it
        self._rested: Samples = (0, 0)
        self._changed, self._cpu_s = monotonic(), process_time()
        self._awake = 0
        self._ended = False
        self._lock = Lock()  # the thread never takes it
        self._bell = Lock()  # released to interrupt the thread's sleep
        self._thread: Thread | None = None

    @property
    def samples(self) -> Samples | None:
        """All samples; zeros without a GIL; None where the system cannot tell."""
        if not self._taken[0]:
            return None if _enabled() else (0, 0)
        with self._lock:
            return _sum(self._taken, self._of_rest())

    def start(self) -> None:
        sleeps = counter_of_sleeps()
        if sleeps and _enabled():
            self._bell.acquire()
            thread = Thread(target=self._sample, args=(sleeps,), name="gil", daemon=True)
            thread.start()  # which fails where the system has no thread left
            self._thread = thread
        self.wake()

    def stop(self) -> None:
        if self._thread:
            self._ended = True
            self._ring()
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Sample for one more event loop, until it calls `rest`."""
        with self._lock:
            self._rested = self._of_rest()
            self._awake += 1
            if self._awake == 1:
                self._changed = monotonic()
                self._ring()

    def rest(self) -> None:
        with self._lock:
            self._awake -= 1
            self._changed, self._cpu_s = monotonic(), process_time()

    def _ring(self) -> None:
        if self._bell.locked():
            self._bell.release()

    def _of_rest(self) -> Samples:
        """All samples for the time at rest, until now."""
        if self._awake:
            return self._rested
        taken = int((monotonic() - self._changed) / MEAN_S)
        held = int((process_time() - self._cpu_s) / MEAN_S)
        return _sum(self._rested, (taken, min(held, taken)))

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
            rung = self._bell.acquire(timeout=max(due - now, LEAST_S) if self._awake else -1)
            if self._ended:
                return
            slept = sleeps() - before
            held = slept > 1
            if rung:  # whoever held the GIL since then has delayed this line
                due = self._changed if slept else monotonic()
            elif slept:  # some sandboxes count nothing
                self._note(held)

    def _note(self, held: bool) -> None:
        self._taken = _sum(self._taken, (1, held))


def _sum(left: Samples, right: Samples) -> Samples:
    return left[0] + right[0], left[1] + right[1]


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
        """Sample while the context is open, except between the calls of `rest` and `wake`."""
        with self._lock:
            if self._loops == 0:
                self._sampler = Sampler()
                self._sampler.start()
            else:
                self._sampler.wake()
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
