"""What is known of the machine, and what of it voids a trial."""

import os
from pathlib import Path
from time import sleep

import pytest

from loadtests.machine import speed_piece, speed_probe
from loadtests.machine.counters import Cores, Counters, between, counters
from loadtests.machine.disturbances import ENOUGH, MachineState, disturbances

QUIET = MachineState(0.001, 0.05, 0.0, 0.01, 0.9, 1.05, 0.02, 6.0, 100, 0.3, 2)


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
    said = disturbances(MachineState(**{**QUIET.to_json(), **seen}))
    assert len(said) == bool(words)
    assert all(word in said[0] for word in words)


def test_each_disturbance_is_told_and_what_is_not_known_is_none() -> None:
    assert len(disturbances(MachineState(0.5, 2.0, slowdown=3.0, slow_share=1.0, pieces=99))) == 3
    assert disturbances(MachineState()) == ()


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
    probe = speed_probe.SpeedProbe()
    monkeypatch.setattr(speed_probe, "PERIOD_S", 0.001)
    probe.begin()
    monkeypatch.setattr(speed_piece, "STEPS", 4 * speed_piece.STEPS)
    for _ in range(ENOUGH):
        sleep(probe.wait_s() or 0)
        probe.look()
    felt = probe.end(1)
    assert felt.slowdown is not None
    assert felt.slowdown > 1.5  # 4, but for a quick core after a slow calibration
    machine = MachineState(slowdown=felt.slowdown, slow_share=felt.slow_share, pieces=felt.pieces)
    assert len(disturbances(machine)) == 1


def test_a_calibration_that_was_too_fast_is_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a busy core is a shared one, but was not when the probe calibrated itself."""
    busy = [0.9, 1.8]
    monkeypatch.setattr(speed_probe, "usual", lambda *_: 1.0)
    monkeypatch.setattr(speed_probe, "usual_when_busy", lambda: busy.pop(0))
    monkeypatch.setattr(speed_probe, "piece", lambda: 1.7)
    monkeypatch.setattr(speed_probe, "PERIOD_S", 0.0)
    probe = speed_probe.SpeedProbe()
    probe.begin()
    probe.look()
    assert probe.end(1).slowdown == pytest.approx(1.7 / 1.8)
    monkeypatch.setattr(speed_probe, "usual", lambda *_: 1.7)  # a neighbour that is still there
    monkeypatch.setattr(speed_probe, "piece", lambda: 3.0)
    probe.begin()
    probe.look()
    assert probe.end(2).slowdown == pytest.approx(3.0 / 1.8)
    assert not busy
