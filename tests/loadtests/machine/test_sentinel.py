"""A trial counts only if the machine was quiet: neighbours are noticed, our own load is not one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, process_time, sleep

import psutil
import pytest

from loadtests.machine import counters
from loadtests.machine import sentinel as sentinels
from loadtests.machine.disturbances import ENOUGH, disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.paths import ROOT

SPINNING = "while True: pass"
WATCHING = """
import sys
from loadtests.machine.sentinel import Sentinel
with Sentinel() as sentinel:
    sentinel.begin()
    print(sentinel.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def sentinel() -> Iterator[Sentinel]:
    with Sentinel() as watching:
        yield watching


counted = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no counters here")


@counted
def test_a_neighbour_is_noticed(sentinel: Sentinel) -> None:
    with _process(SPINNING) as neighbour:
        before = _cpu_s(neighbour)
        sentinel.begin()
        begun = monotonic()
        _until(lambda: monotonic() - begun > 1.2 and _cpu_s(neighbour) - before > 0.8)
        machine = sentinel.end(0.0)
    assert machine.others_cores is not None
    assert machine.others_cores >= 0.5
    assert "Other processes used" in disturbances(machine)[0]
    assert machine.pieces >= ENOUGH / 2
    assert machine.slowdown is not None
    assert machine.jitter_ms is not None


@counted
@pytest.mark.measures
def test_our_own_load_is_not_a_neighbour(sentinel: Sentinel) -> None:
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


def test_it_is_not_ended_by_an_interrupt_and_goes_on_without_its_probe(sentinel: Sentinel) -> None:
    assert sentinel.pid is not None
    os.kill(sentinel.pid, signal.SIGINT)
    sentinel.begin()
    assert sentinel.end(0.0).calibration_ms is not None
    os.kill(sentinel.pid, signal.SIGKILL)
    sentinel.begin()
    begun = monotonic()
    machine = sentinel.end(0.0)
    assert (machine.slowdown, machine.jitter_ms, machine.pieces) == (None, None, 0)
    assert monotonic() - begun < 2


def test_a_probe_that_is_stopped_does_not_block_us_and_may_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sentinel() as watching:
        assert watching.pid is not None
        os.kill(watching.pid, signal.SIGSTOP)
        watching.begin()
        with monkeypatch.context() as patch:
            patch.setattr(sentinels, "ANSWER_S", 0.2)
            assert watching.end(0.0).slowdown is None
        os.kill(watching.pid, signal.SIGCONT)
        watching.begin()
        assert watching.end(0.0).calibration_ms is not None  # the late first answer is ignored


def test_without_counters_a_machine_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("psutil.PROCFS_PATH", str(tmp_path))
    monkeypatch.setattr(counters, "PRESSURE", tmp_path)
    with Sentinel() as watching:
        watching.begin()
        machine = watching.end(0.0)
    watching.close()  # again, which does nothing
    assert machine.calibration_ms is not None
    assert (machine.steal, machine.others_cores, machine.io_pressure) == (None, None, None)
    assert disturbances(machine) == ()


def test_the_probe_goes_when_its_parent_is_killed() -> None:
    with _process(WATCHING) as parent:
        assert parent.stdout is not None
        probe = psutil.Process(int(parent.stdout.readline()))
        assert probe.is_running()
        parent.kill()
        _until(lambda: not probe.is_running() or probe.status() == psutil.STATUS_ZOMBIE)


@contextmanager
def _process(code: str) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=pipe, stdout=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def _until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline, "the condition never held"
        sleep(0.01)
