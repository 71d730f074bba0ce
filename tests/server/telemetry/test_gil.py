"""The sampled share of time in which the GIL is held, against known shares, and without a GIL."""

import asyncio
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import sha256
from time import monotonic, sleep

import pytest

from server.telemetry import gil
from server.telemetry.board import Board, Place, merge
from server.telemetry.counts import Counts
from server.telemetry.gil import Sampler, Samples, Shared
from server.telemetry.publisher import Vitals
from tests.support.server_process import PATIENCE_S

ENOUGH = 80
BUFFER = bytes(2**20)
WITH_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()

countable = pytest.mark.skipif(
    gil.counter_of_sleeps() is None or not WITH_GIL, reason="this system does not tell"
)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gil"]


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Run a function in a thread, again and again."""
    end = threading.Event()

    def again() -> None:
        while not end.is_set():
            work()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def share() -> float:
    """Take enough samples, sleeping, so that this thread does not hold the GIL."""
    sampler = Sampler()
    sampler.start()
    patience = monotonic() + PATIENCE_S
    while (sampler.samples or (0, 0))[0] < ENOUGH and monotonic() < patience:
        sleep(0.02)
    sampler.stop()
    assert sampler.samples
    samples, held = sampler.samples
    assert samples >= ENOUGH
    return held / samples


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gil, "MEAN_S", 0.004)


@countable
@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    ("work", "low", "high"),
    [
        (lambda: sum(range(20_000)), 0.7, 1.0),
        (lambda: sorted(range(2_000_000, 0, -1)), 0.7, 1.0),  # one call in C that never releases it
        (lambda: sha256(BUFFER), 0.0, 0.3),
        (lambda: sleep(0.05), 0.0, 0.3),
    ],
    ids=["python", "one-call", "sha256", "sleep"],
)
def test_the_share_is_about_right(work: Callable[[], object], low: float, high: float) -> None:
    with beside(work):
        assert low <= share() <= high


@countable
@pytest.mark.usefixtures("often")
def test_waiting_for_a_core_is_not_holding_the_gil() -> None:
    command = [sys.executable, "-c", "while True: pass"]
    with ExitStack() as stack:
        for _ in range(2 * (os.cpu_count() or 1)):
            stack.callback(stack.enter_context(subprocess.Popen(command)).kill)
        assert share() < 0.3


@countable
def test_loops_of_one_process_share_a_sampler() -> None:
    shared = Shared()
    with shared.sampler() as first:
        with shared.sampler() as second:
            assert first is second
        assert len(threads()) == 1
    assert threads() == []
    with shared.sampler() as later:
        assert later is not first
        assert len(threads()) == 1
    assert threads() == []


@pytest.mark.skipif(not WITH_GIL, reason="without a GIL it is never held")
def test_a_sampler_rests_with_its_last_loop_and_counts_that_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = {"monotonic": 0.0, "process_time": 0.0}
    for name in clock:
        monkeypatch.setattr(gil, name, partial(clock.get, name))
    sampler = Sampler()
    sampler._taken = (1, 0)  # as its thread does
    for change in (sampler.wake, sampler.wake, sampler.rest):
        change()
        clock["monotonic"] += 10
        assert sampler.samples == (1, 0)
    sampler.rest()
    for seconds, cpu_s, expected in ((1, 0, (41, 0)), (1, 0.5, (81, 20)), (0, 9, (81, 80))):
        clock["monotonic"] += seconds
        clock["process_time"] += cpu_s
        assert sampler.samples == expected
    sampler.wake()
    clock["monotonic"] += 10
    assert sampler.samples == expected


@countable
async def test_loops_publish_samples_until_they_end() -> None:
    board = Board(2)
    both = [Vitals(Place(board, slot), {}, Counts([], [])) for slot in range(2)]
    async with asyncio.timeout(PATIENCE_S), both[0].published(), both[1].published():
        assert len(threads()) == 1
        gils: list[dict[str, int]] = []
        while not gils:
            await asyncio.sleep(0.02)
            gils = merge(board.all(), monotonic()).gils
    assert [first["pid"] for first in gils] == [os.getpid()]
    assert threads() == []


def unsampled() -> Samples | None:
    sampler = Sampler()
    sampler.start()
    assert threads() == []
    sampler.stop()
    return sampler.samples


@pytest.mark.skipif(not WITH_GIL, reason="without a GIL it is never held")
def test_without_a_counter_of_sleeps_there_are_no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(resource, "RUSAGE_THREAD", raising=False)
    assert unsampled() is None


def test_without_gil_it_is_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert unsampled() == (0, 0)
