"""How much of the time the GIL of this process is held: a thread wants it at random instants.

    sleeps until one comes ──▶ wakes ──▶ wants the GIL ──▶ has it: did it have to sleep again?

Poisson arrivals see time averages: the share of the instants that find the GIL held is the share
of the time that other threads hold it. What tells is not how late the thread has the GIL back, for
a timer or a core that comes late looks the same, and who lets go within microseconds passes for
free. It is how often the kernel saw it go to sleep (`getrusage(2)`: voluntary context switches):
once for the timer, and once more if the GIL was held. Waiting for a core is none.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from threading import Lock, Thread
from time import monotonic

from server.telemetry.short_slice import request_short_slice

MEAN_S = 0.025  # between instants: 200 in the shortest trial, for less than 0.5 % of a core
LEAST_S = 0.0005  # a timer that has passed before it is set would not let the thread sleep

Looks = tuple[int, int]  # at how many instants somebody looked, and at how many it was held


class Sampler:
    """A thread that looks whether others hold the GIL, from `start` to `stop`."""

    def __init__(self) -> None:
        self._seen: Looks = (0, 0)
        self._running = Lock()
        self._thread: Thread | None = None

    @property
    def seen(self) -> Looks | None:
        """What it saw since it was made; none held where there is no GIL; None if none can tell."""
        return self._seen if self._seen[0] or not _enabled() else None

    def start(self) -> None:
        sleeps = counter_of_sleeps()
        if sleeps and _enabled():
            self._running.acquire()
            self._thread = Thread(target=self._look, args=(sleeps,), name="gil", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._running.release()
            self._thread.join()
            self._thread = None

    def _look(self, sleeps: Callable[[], int]) -> None:
        request_short_slice()
        random = Random()  # noqa: S311 - a schedule, no secret
        due = monotonic()
        held = False
        while True:
            due += random.expovariate(1 / MEAN_S)
            while due < (now := monotonic()):  # it came while we still waited: it was the same
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
        samples, of_these = self._seen
        self._seen = (samples + 1, of_these + held)


def counter_of_sleeps() -> Callable[[], int] | None:
    """Give what counts how often the calling thread has slept; None on systems that cannot tell."""
    whose = getattr(resource, "RUSAGE_THREAD", None)  # Linux and FreeBSD have it
    return None if whose is None else lambda: resource.getrusage(whose).ru_nvcsw


def _enabled() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


class Shared:
    """One sampler for all event loops of a process: the first starts it, the last one stops it."""

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
