"""The board on which event loops publish their state, and the state of the whole service."""

import os
from dataclasses import replace
from typing import Any

import pytest

from server.telemetry.board import COPY, HEADER, Board, SharedMemory, Snapshot, merge
from server.telemetry.counts import Totals


def snapshot(pid: int, at: float = 0.0, **more: Any) -> Snapshot:
    lag = {"p50": 1.0, "p99": 2.0, "max": 3.0}
    return replace(Snapshot(pid, "MainThread", at, lag, {"inline": {}}), **more)


@pytest.fixture(params=[Board, SharedMemory])
def board(request: pytest.FixtureRequest) -> Board:
    kind: type[Board] = request.param
    return kind(3)


def test_a_board_shows_the_last_of_each_slot(board: Board) -> None:
    assert list(board.all()) == []
    for pid in (1, 2, 3):
        board.publish(0, snapshot(pid))
    board.publish(2, snapshot(4))
    assert [last.pid for last in board.all()] == [3, 4]
    assert board.read(0) == snapshot(3)
    assert board.read(1) is None


def test_a_process_that_has_ended_leaves_its_totals(board: Board) -> None:
    totals = Totals({("noop", "inline", 200): 7})
    board.publish(0, snapshot(1, gauges={"inline": {"busy": 1}}, totals=totals))
    board.retire(0)
    board.retire(1)  # nothing was ever published there
    [left] = board.all()
    assert (left.lag_ms, left.gauges, left.workers, left.totals) == (None, {}, {}, totals)


def test_a_copy_that_is_torn_is_not_read() -> None:
    board = SharedMemory(2)
    for number, pid in enumerate((1, 2), 1):
        board.publish(1, snapshot(pid))
        newest = board._at(1, number)
    board._memory[newest + HEADER.size + 5] ^= 1  # as a killed writer leaves it
    assert board.read(1) == snapshot(1)
    board.publish(1, snapshot(3))
    assert board.read(1) == snapshot(3)
    assert board.read(0) is None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child runs no other code
def test_a_board_is_shared_with_forked_processes() -> None:
    board = SharedMemory(1)
    pid = os.fork()
    if pid == 0:
        board.publish(0, snapshot(os.getpid()))
        os._exit(0)
    assert os.waitpid(pid, 0) == (pid, 0)
    assert board.read(0) == snapshot(pid)


def test_a_snapshot_that_is_too_long_is_refused_with_the_reason() -> None:
    board = SharedMemory(1)
    board.publish(0, snapshot(1))
    with pytest.raises(ValueError, match="too many workloads"):
        board.publish(0, snapshot(2, thread="x" * COPY))
    assert board.read(0) == snapshot(1)


def test_snapshots_are_summed_and_the_lag_is_the_worst() -> None:
    gauges = {"inline": {}, "thread-pool": {"slots": 4, "busy": 1}}
    totals = Totals(models={("thread-pool", "refused"): 5})
    others = {"p50": 3.0, "p99": 9.0, "max": 9.5}
    whole = merge(
        [
            snapshot(1, 10.0, gauges=gauges, totals=totals, workers={"thread-pool": [{"pid": 7}]}),
            snapshot(2, 9.9, gauges=gauges, totals=totals, lag_ms=others),
            snapshot(3, 1.0, gauges=gauges, totals=totals).ended(),
        ],
        now=10.0,
    )
    pool = {"slots": 8, "busy": 2, "refused": 15, "workers": [{"pid": 7}]}
    assert whole.models == {"inline": {}, "thread-pool": pool}
    assert whole.lag_ms == {"p50": 2.0, "p99": 9.0, "max": 9.5}
    assert [(loop["pid"], loop["age_s"]) for loop in whole.loops] == [(1, 0.0), (2, 0.1)]
    assert whole.loops[1]["loop_lag_ms"] == others


def test_sums_are_given_for_each_live_loop_and_gil() -> None:
    def saying(pid: int, thread: str, samples: tuple[int, int], **more: Any) -> Snapshot:
        return snapshot(pid, totals=Totals(gil={pid: samples}), **{"thread": thread, **more})

    whole = merge(
        [
            saying(1, "loop-1", (10, 4), cpu_s=1.5, lag_counts=(3, 0, 1)),
            saying(1, "loop-2", (12, 5), cpu_s=0.5, lag_counts=(2, 2, 0)),
            snapshot(2),
            saying(3, "MainThread", (7, 7)).ended(),
        ],
        now=0.0,
    )
    assert [(loop["cpu_s"], loop["lag_counts"]) for loop in whole.loops] == [
        *((1.5, [3, 0, 1]), (0.5, [2, 2, 0]), (0.0, [])),
    ]
    assert whole.gils == [{"pid": 1, "samples": 12, "held": 5}]


def test_a_loop_that_is_silent_lags_for_as_long() -> None:
    whole = merge([snapshot(1, 10.0), snapshot(2, 8.0)], now=10.0)
    assert whole.lag_ms == {"p50": 1.0, "p99": 2.0, "max": 1750.0}
