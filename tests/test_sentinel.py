"""A trial counts only if the machine was quiet: neighbours are seen, one's own load is not one."""

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

from loadtests import jitter
from loadtests.counters import Cores, Counters, between, counters
from loadtests.machine import ENOUGH, Machine, disturbances
from loadtests.sentinel import ROOT, Sentinel

QUIET = Machine(0.001, 0.05, 0.0, 0.01, 0.9, 1.05, 0.02, 6.0, 100, 0.3, 2)
SPINNING = "while True: pass"
WATCHING = """
import sys
from loadtests.sentinel import Sentinel
with Sentinel() as sentinel:
    sentinel.begin()
    print(sentinel.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({}, []),
        ({"others_cores": 0.5}, ["kept 0.50 cores busy", "leaves them 0.20", "End them"]),
        ({"others_cores": 0.5, "cores": 16}, []),  # a core of its own is left for it
        ({"others_cores": 0.9, "cores": 16}, ["leaves them 0.80"]),
        ({"steal": 0.062}, ["took 6.2% of the cores' time", "3% at most", "other guests"]),
        ({"slowdown": 1.42}, ["took 1.42 × the CPU time", "within 1.3 ×"]),
        ({"slowdown": 1.42, "pieces": ENOUGH - 1}, []),
        ({"slow_share": 0.4}, ["40% of 100 pieces", "35% at most"]),
        ({"cpu_pressure": 1.0, "io_pressure": 1.0, "memory_pressure": 1.0, "jitter_ms": 90.0}, []),
    ],
)
def test_what_voids_a_trial(seen: dict[str, float], words: list[str]) -> None:
    said = disturbances(Machine(**{**QUIET.to_json(), **seen}))
    assert len(said) == bool(words)
    assert all(word in said[0] for word in words)


def test_each_disturbance_is_told_and_what_is_not_known_is_none() -> None:
    assert len(disturbances(Machine(0.5, 2.0, slowdown=3.0, slow_share=1.0, pieces=99))) == 3
    assert disturbances(Machine()) == ()


def test_counters_are_those_of_the_cores_that_we_may_run_on(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    lines = [f"cpu{core} 10 0 10 200 100 0 0 50 0 0" for core in [*cores, 10**6]]
    (tmp_path / "stat").write_text("\n".join(["cpu 1 2 3 4 5 6 7 8 9 10", *lines, "intr 1"]))
    (tmp_path / "pressure").mkdir()
    text = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=1"
    (tmp_path / "pressure" / "io").write_text(text)
    read = counters(tmp_path)
    hertz = os.sysconf("SC_CLK_TCK")
    known = len(cores) if hasattr(os, "sched_getaffinity") else len(cores) + 1
    assert read.cores == Cores(known, known * 300 / hertz, known * 50 / hertz)
    assert read.waited_s == {"io": 2.5}


def test_the_difference_of_counters() -> None:
    before = Counters(10.0, Cores(2, 100.0, 1.0), {"io": 1.0, "cpu": 2.0})
    span = between(before, Counters(14.0, Cores(2, 103.0, 1.4), {"io": 3.0, "cpu": 9.0}))
    assert (span.elapsed_s, span.cores) == (4.0, 2)
    assert span.busy_cores == pytest.approx((2 * 4 - 3 - 0.4) / 4)
    assert span.steal == pytest.approx(0.4 / 8)
    assert span.pressures == {"io": 0.5, "cpu": 1.0}
    plugged = between(before, Counters(14.0, Cores(3, 103.0, 1.4)))
    assert (plugged.busy_cores, plugged.steal, plugged.pressures) == (None, None, {})


def test_slow_cores_show_in_the_piece_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = jitter.Probe()
    monkeypatch.setattr(jitter, "PERIOD_S", 0.001)
    probe.begin()
    monkeypatch.setattr(jitter, "STEPS", 4 * jitter.STEPS)
    for _ in range(ENOUGH):
        sleep(probe.wait_s() or 0)
        probe.look()
    felt = probe.end(1)
    assert felt.slowdown is not None
    assert felt.slowdown > 1.5  # 4, but for a quick core after a slow calibration
    machine = Machine(slowdown=felt.slowdown, slow_share=felt.slow_share, pieces=felt.pieces)
    assert len(disturbances(machine)) == 1


@pytest.fixture(scope="module")
def sentinel() -> Iterator[Sentinel]:
    with Sentinel() as one:
        yield one


counted = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no counters here")


@counted
def test_a_neighbour_is_seen(sentinel: Sentinel) -> None:
    with _process(SPINNING) as neighbour:
        before = _cpu_s(neighbour)
        sentinel.begin()
        begun = monotonic()
        _until(lambda: monotonic() - begun > 1.2 and _cpu_s(neighbour) - before > 0.8)
        machine = sentinel.end(0.0)
    assert machine.others_cores is not None
    assert machine.others_cores >= 0.5
    assert "neither server nor generator" in disturbances(machine)[0]
    assert machine.pieces >= ENOUGH / 2
    assert machine.slowdown is not None
    assert machine.jitter_ms is not None


@counted
def test_a_load_of_ones_own_is_no_neighbour(sentinel: Sentinel) -> None:
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


def test_a_probe_that_stands_still_is_not_waited_for_and_may_return() -> None:
    with Sentinel() as one:
        assert one.pid is not None
        os.kill(one.pid, signal.SIGSTOP)
        one.begin()
        assert one.end(0.0).slowdown is None
        os.kill(one.pid, signal.SIGCONT)
        one.begin()
        assert one.end(0.0).calibration_ms is not None  # and not by the answer to the first


def test_without_counters_a_machine_is_unknown(tmp_path: Path) -> None:
    with Sentinel(tmp_path) as one:
        one.begin()
        machine = one.end(0.0)
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
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=pipe, stdout=pipe) as one:
        try:
            yield one
        finally:
            one.kill()


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def _until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline, "it did not come about"
        sleep(0.01)
