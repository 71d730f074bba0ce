"""A trial counts only if the machine was quiet: neighbours are noticed, our own load is not one."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, process_time, sleep

import psutil
import pytest

from loadtests.machine import counters, quota
from loadtests.machine import sentinel as sentinels
from loadtests.machine.counters import Cores, Counters
from loadtests.machine.disturbances import MachineState, disturbances
from loadtests.machine.sentinel import Sentinel

counted = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no counters here")


@counted
def test_a_neighbour_is_noticed() -> None:
    sentinel = Sentinel()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
        try:
            before = _cpu_s(neighbour)
            sentinel.begin()
            begun = monotonic()
            _until(lambda: monotonic() - begun > 1.2 and _cpu_s(neighbour) - before > 0.8)
            machine = sentinel.end(0.0)
        finally:
            neighbour.kill()
    assert machine.others_cores is not None
    assert machine.others_cores >= 0.5
    assert "Other processes used" in disturbances(machine)[0]


@counted
@pytest.mark.measures
def test_our_own_load_is_not_a_neighbour() -> None:
    sentinel = Sentinel()
    before, begun = process_time(), monotonic()
    sentinel.begin()
    while (own := process_time() - before) < 0.5:
        pass
    share = own / (monotonic() - begun)
    declared, undeclared = sentinel.end(own), sentinel.end(0.0)  # true neighbours are in both
    assert declared.others_cores is not None
    assert undeclared.others_cores is not None
    assert undeclared.others_cores - declared.others_cores == pytest.approx(share, abs=0.15)
    assert sentinel.end(None).others_cores is None


def test_cores_that_a_quota_leaves_to_others_may_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentinels, "counters", lambda: Counters(1.0, Cores(64, 0.0, 0.0)))
    sentinel = Sentinel()
    monkeypatch.setattr(sentinels, "counters", lambda: Counters(2.0, Cores(64, 30.0, 0.0)))
    monkeypatch.setattr(sentinels, "cores", lambda: 40)
    assert sentinel.end(4.0).others_cores == 64 - 30 - 4 - 24
    monkeypatch.setattr(sentinels, "cores", lambda: 2.5)
    assert sentinel.end(2.0).others_cores == 0
    monkeypatch.setattr(sentinels, "cores", lambda: 64)
    assert sentinel.end(4.0).others_cores == 30


def test_a_quota_is_noticed_even_if_nothing_else_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("psutil.PROCFS_PATH", str(tmp_path))
    monkeypatch.setattr(counters, "PRESSURE", tmp_path)
    monkeypatch.setattr(quota, "PROCESS", tmp_path)
    sentinel = Sentinel()
    assert sentinel.end(0.0) == MachineState()
    (tmp_path / "cgroup").write_text("0::/\n")
    (tmp_path / "mountinfo").write_text(f"31 22 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    for stopped_us in (0, 60_000_000):
        stat = f"nr_periods 900\nnr_throttled {stopped_us // 50_000}\nthrottled_usec {stopped_us}\n"
        (tmp_path / "cpu.stat").write_text(stat)
        if not stopped_us:
            sentinel.begin()
    machine = sentinel.end(0.0)
    assert machine == MachineState(throttled=1.0)
    assert (
        "A CPU quota stopped our processes 100.0% of the time"
        in disturbances(machine, late=True)[0]
    )


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def _until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline, "the condition never held"
        sleep(0.01)
