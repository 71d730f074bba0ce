"""The progress of a surge in the terminal: the current phase, and the policies that are done."""

from __future__ import annotations

import io

from rich.console import Console

from loadtests.report.surge.terminal import AHEAD_S, AROUND_S, SurgeScreen
from loadtests.run.file.lines import Line
from loadtests.run.surge.lines import OutcomeCounts, columns

RUN: Line = {
    "line": "run", "workload": "primes", "model": "inline",
    "policies": ["unbounded", "bounded"], "durations": [5, 8, 15],
}  # fmt: skip
CAPACITY: Line = {"line": "capacity", "capacity": 80.0}
PHASE = {"name": "before", "start_s": 0, "duration_s": 2, "rate": 40, "p99_ms": 9.0}
DONE: Line = {
    "line": "policy", "policy": "unbounded",
    "phases": [{**PHASE, "counts": {"offered": 80, "good": 80}}] * 3,
    "series": columns(
        [OutcomeCounts(40, good=40), OutcomeCounts(200), OutcomeCounts(200, good=80)]
    ),
    "recovery_s": None, "queue": None, "held": 9, "waited_for": 1, "flaws": [],
}  # fmt: skip


def start(policy: str, at: float) -> Line:
    return {"line": "policy-start", "policy": policy, "at": at}


def shown(screen: SurgeScreen, now: float) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(screen.render(now))
    return captured.get()


def test_progress_names_policy_and_phase_and_the_time_left() -> None:
    screen = SurgeScreen(Console(file=io.StringIO(), force_terminal=True))
    assert "starting …" in shown(screen, 0)
    screen.update(RUN)
    assert "measuring the capacity …" in shown(screen, 1)
    screen.update(CAPACITY)
    screen.update(start("unbounded", 10.0))
    for after, phase in ((0, "settling"), (AHEAD_S + 1, "before"), (AHEAD_S + 6, "surge")):
        assert f"unbounded: {phase} …" in shown(screen, 10.0 + after)
    assert "0 of 2 policies, about 64 s left" in shown(screen, 10.0)
    assert "about 54 s left" in shown(screen, 20.0)
    screen.update(DONE)
    screen.update(start("bounded", 10.0 + 28 + AROUND_S))
    text = shown(screen, 42.0 + AHEAD_S + 14)
    assert "[1/2] unbounded: ▅·█" in text
    assert "bounded: after …" in text
    assert "1 of 2 policies" in text


def test_elsewhere_each_policy_is_one_plain_line() -> None:
    file = io.StringIO()
    screen = SurgeScreen(Console(file=file, width=40))
    lines: tuple[Line, ...] = (RUN, CAPACITY, start("unbounded", 1), DONE, start("bounded", 2))
    for line in (*lines, {"line": "policy", "policy": "bounded", "error": "it broke"}):
        screen.update(line)
    assert file.getvalue().splitlines() == [
        "primes under inline: unbounded, bounded; about 64 s",
        "capacity: about 80 req/s",
        "[1/2] unbounded: ▅·█; about 32 s left",
        "[2/2] bounded: no result",
    ]
