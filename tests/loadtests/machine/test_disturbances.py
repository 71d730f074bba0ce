"""What is known about the machine, and which of it voids a trial."""

import os
from pathlib import Path

import pytest

from loadtests.machine import counters as counting
from loadtests.machine.counters import Cores, Counters, between, counters
from loadtests.machine.disturbances import MachineState, disturbances
from loadtests.machine.platform import usable_cores
from loadtests.machine.quota import Throttling

QUIET = MachineState(0.001, 0.05, 0.002, 0.0, 0.01, 0.9, 2)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        ({"others_cores": 0.5}, ["used 0.50 cores", "at most 0.20", "Stop them"]),
        ({"others_cores": 0.5, "cores": 16}, []),  # a core of its own is left for it
        ({"others_cores": 0.9, "cores": 16}, ["at most 0.80"]),
        ({"steal": 0.062}, ["took 6.2% of the cores' time", "3% at most", "other guests"]),
        ({"throttled": 0.01}, []),
        ({"throttled": 0.143}, ["stopped our processes 14.3%", "Remove the quota"]),
        ({"cpu_pressure": 1.0, "io_pressure": 1.0, "memory_pressure": 1.0}, []),
    ],
)
def test_what_voids_a_trial(changed: dict[str, float], words: list[str]) -> None:
    sentences = disturbances(MachineState(**{**QUIET.to_json(), **changed}), late=True)
    assert len(sentences) == bool(words)
    assert all(word in sentences[0] for word in words)


def test_each_disturbance_counts_and_the_unknown_does_not() -> None:
    assert len(disturbances(MachineState(0.5, 2.0, 0.5), late=True)) == 3
    assert len(disturbances(MachineState(0.5, 2.0, 0.5))) == 2  # the load itself used up a quota
    assert disturbances(MachineState()) == ()


def test_counters_are_those_of_the_cores_that_we_may_run_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usable = usable_cores()
    lines = [f"cpu{core} 10 0 10 200 100 0 0 50 0 0" for core in range(max(usable) + 2)]
    (tmp_path / "stat").write_text("\n".join(["cpu 1 2 3 4 5 6 7 8 9 10", *lines, "intr 1"]))
    text = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=1"
    (tmp_path / "io").write_text(text)
    monkeypatch.setattr("psutil.PROCFS_PATH", str(tmp_path))
    monkeypatch.setattr(counting, "PRESSURE", tmp_path)
    read, hertz = counters(), os.sysconf("SC_CLK_TCK")
    assert read.cores is not None
    assert read.cores.count == len(usable)
    assert read.cores.idle_s == pytest.approx(len(usable) * 300 / hertz)
    assert read.cores.steal_s == pytest.approx(len(usable) * 50 / hertz)
    assert read.waited_s == {"io": 2.5}


def test_cores_are_unknown_where_some_are_offline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "stat").write_text("cpu 1 2 3 4 5 6 7 8 9 10\ncpu3 10 0 10 200 100 0 0 50 0 0\n")
    monkeypatch.setattr("psutil.PROCFS_PATH", str(tmp_path))
    monkeypatch.setattr(counting, "usable_cores", lambda: {1, 3})
    assert counters().cores is None


def test_the_difference_of_counters() -> None:
    before = Counters(10.0, Cores(2, 100.0, 1.0), {"io": 1.0, "cpu": 2.0})
    span = between(before, Counters(14.0, Cores(2, 103.0, 1.4), {"io": 3.0, "cpu": 9.0}))
    assert (span.elapsed_s, span.cores, span.throttled) == (4.0, 2, None)
    assert span.busy_cores == pytest.approx((2 * 4 - 3 - 0.4) / 4)
    assert span.steal == pytest.approx(0.4 / 8)
    assert span.pressures == {"io": 0.5, "cpu": 1.0}
    plugged = between(before, Counters(14.0, Cores(3, 103.0, 1.4)))
    assert (plugged.busy_cores, plugged.steal, plugged.pressures) == (None, None, {})


@pytest.mark.parametrize(
    ("stopped_s", "periods_s", "share"),
    [
        (0.0, 0.0, 0.0),
        (0.2, 0.4, 0.05),  # for half of each period
        (1.6, 0.4, 0.1),  # on 16 cores at once: no longer than the periods
        (40.0, 8.0, 1.0),
    ],
)
def test_the_share_of_the_time_in_which_a_quota_stopped_us(
    stopped_s: float, periods_s: float, share: float
) -> None:
    before = Counters(10.0, None, throttling=Throttling(3.0, 5.0))
    after = Counters(14.0, None, throttling=Throttling(3.0 + stopped_s, 5.0 + periods_s))
    assert between(before, after).throttled == pytest.approx(share)
    assert between(before, Counters(14.0, None)).throttled is None
