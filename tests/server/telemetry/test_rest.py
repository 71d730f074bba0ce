"""What measures an event loop rests while nothing happens, and misses nothing of what does."""

import asyncio
import re
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from loadtests.service.stats import Stats, delta, read_stats
from server.settings import Settings
from server.telemetry import activity
from server.telemetry.activity import BUSY, REST_S, Activity
from server.telemetry.board import Board, Place, Snapshot
from server.telemetry.counts import BOUNDS_S
from server.web.answering import DRAIN
from server.web.app import build
from tests.server.telemetry.test_gil import countable
from tests.support.server_process import PATIENCE_S, Client, asking, running, until
from tests.support.sse_client import listening

WINDOW_S = 2.0


class Clock:
    """Time, and CPU time of the process, as a test sets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.cpu_s = 0.0
        monkeypatch.setattr(activity, "monotonic", lambda: self.now)
        monkeypatch.setattr(activity, "process_time", lambda: self.cpu_s)

    def passes(self, seconds: float, cores: float = 0.0) -> None:
        self.now += seconds
        self.cpu_s += cores * seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_loop_is_idle_a_while_after_its_last_request(clock: Clock) -> None:
    requests = Activity()
    clock.passes(REST_S)
    assert requests.idle(busy=False)
    requests.begun += 1
    assert not requests.idle(busy=False)
    clock.passes(2 * REST_S)
    assert not requests.idle(busy=False), "the request is running"
    requests.ended += 1
    clock.passes(REST_S / 2)
    assert not requests.idle(busy=False)
    clock.passes(REST_S / 2)
    assert requests.idle(busy=False)


def test_work_that_outlives_its_request_is_activity(clock: Clock) -> None:
    requests = Activity()
    clock.passes(2 * REST_S, cores=BUSY / 2)
    assert requests.idle(busy=False)
    clock.passes(REST_S, cores=2 * BUSY)
    assert not requests.idle(busy=False), "a thread computes, or a task on the event loop"
    clock.passes(REST_S)
    assert not requests.idle(busy=True), "a worker is busy, even if it only waits"
    clock.passes(REST_S)
    assert requests.idle(busy=False)


class AwaitedBoard(Board):
    """The board of one loop, whose next snapshot can be awaited without polling."""

    def __init__(self) -> None:
        super().__init__(1)
        self._published = asyncio.Event()

    def publish(self, slot: int, snapshot: Snapshot) -> None:
        super().publish(slot, snapshot)
        self._published.set()

    async def next(self) -> Snapshot:
        self._published.clear()
        async with asyncio.timeout(PATIENCE_S):
            await self._published.wait()
        snapshot = self.read(0)
        assert snapshot
        return snapshot


def sleeps() -> int:
    """How often the thread that samples the GIL has gone to sleep; 0 if there is none."""
    for thread in threading.enumerate():
        if thread.name == "gil":
            status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
            return int(re.findall(r"^voluntary_ctxt_switches:\s*(\d+)$", status, re.MULTILINE)[0])
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc shows how often a thread sleeps")
async def test_an_idle_server_measures_nothing_until_the_next_request(database: None) -> None:
    board = AwaitedBoard()
    app = build(Settings(_cli_parse_args=[], models=("inline",)), Place(board))

    async def samples() -> bool:
        return sleeps() > slept + 10

    async with TestClient(TestServer(app)) as client:
        while not app[DRAIN].activity.resting:
            await board.next()
        first, slept = await board.next(), sleeps()
        last = await board.next()
        assert last.at - first.at >= REST_S * 0.9, "50 timers and 40 samples would be taken"
        assert first.lag_counts == last.lag_counts
        assert sleeps() - slept <= 2

        slept = sleeps()
        assert (await client.get("/sleep/inline?ms=400")).status == 200  # blocks the event loop
        if slept:
            await until(samples)
        late = BOUNDS_S.index(0.25) + 1
        assert sum((await board.next()).lag_counts[late:]) > sum(last.lag_counts[late:])


async def reading(client: Client) -> Stats:
    stats = read_stats((await client.ask("/stats")).text.encode())
    assert stats
    return stats


@countable
@pytest.mark.measures
async def test_the_time_at_rest_counts_as_time_without_the_gil(database: None) -> None:
    with running("--models", "inline") as server:
        async with asking(server) as client:
            while not (before := await reading(client)).gils:
                pass  # none were sampled yet
            after_work = before
            while after_work.at - before.at < WINDOW_S:
                assert (await client.ask("/count/inline?to=2000000")).status == 200
                after_work = await reading(client)
            await asyncio.sleep(WINDOW_S)  # any request would wake it
            after = await reading(client)
    busy, whole = delta(before, after_work, "inline").gil, delta(before, after, "inline").gil
    assert busy
    assert whole
    assert busy > 0.6
    part = (after_work.at - before.at) / (after.at - before.at)
    assert whole == pytest.approx(busy * part, abs=0.12)


async def test_a_server_whose_events_are_heard_does_not_rest(database: None) -> None:
    with running("--models", "inline") as server:
        async with listening(server) as listener:
            stats = [(await listener.next("message")).data for _ in range(4)]
    assert stats[-1]["uptime_s"] - stats[0]["uptime_s"] > 2 * REST_S
    timers = [sum(message["loops"][0]["lag_counts"]) for message in stats]
    assert all(earlier < later for earlier, later in pairwise(timers))
