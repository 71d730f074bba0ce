"""Stacks are read from what py-spy writes, or else why there are none, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from loadtests.errors import NotSampled
from loadtests.service.stacks import Frame, Stack, parsed, refusal, sample
from tests.support.server_process import PYTHONS

# Computes in a thread, and in one of another interpreter where there are some.
COMPUTES = """
import sys, threading
CODE = "def {0}():\\n    while True:\\n        sum(range(1000))\\n{0}()"
threads = [lambda: exec(CODE.format("in_a_thread"), {})]
if sys.version_info >= (3, 14):
    from concurrent import interpreters
    threads.append(lambda: interpreters.create().exec(CODE.format("in_an_interpreter")))
for thread in threads:
    threading.Thread(target=thread, daemon=True).start()
print(len(threads), flush=True)
sys.stdin.read()
"""


def test_frames_follow_processes_whose_commands_hold_anything() -> None:
    [stack] = parsed(
        [
            'process 7:"python -m server";process 9:"python -c from m import main; main(3);'
            ' ";main (/a b/(old)/mine.py:3);<genexpr> (<string>:1);native (lib.so) 12'
        ]
    )
    frames = (Frame("main", "/a b/(old)/mine.py", 3), Frame("<genexpr>", "<string>", 1))
    assert stack == Stack((*frames, Frame("native", "lib.so")), 12, 9)
    assert list(parsed(["", "1"])) == []


@pytest.mark.parametrize(
    ("message", "reason", "advice"),
    [
        (
            "Permission Denied: Try running again with elevated permissions by going 'sudo env'",
            "this user may not trace other processes",
            "run as root",
        ),
        (
            "Error: Failed to find python version from process\n\nStack backtrace:\n 0: x",
            "py-spy does not support this Python: Failed to find python version from process",
            "use a Python that it supports",
        ),
        ("Error: it broke.\n", "py-spy failed: it broke", ""),
        ("", "py-spy failed: it gave no reason", ""),
    ],
)
def test_a_refusal_says_why_and_what_to_do(message: str, reason: str, advice: str) -> None:
    refused = refusal(message)
    assert refused.reason == reason
    assert advice in refused.advice


def test_what_is_no_python_is_refused() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "30"], {})
    try:
        with pytest.raises(NotSampled) as raised:
            sample(pid, (), 1)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert raised.value.reason
    assert raised.value.advice


@pytest.mark.parametrize("python", [sys.executable, *PYTHONS])
def test_each_python_shows_its_newest_interpreter_or_why_not(python: str) -> None:
    """An autopsy knows that others are not seen; when this fails, they are."""
    with subprocess.Popen(
        [python, "-c", COMPUTES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        count = int(process.stdout.readline())
        known = ("in_a_thread", "in_an_interpreter")[:count]
        try:
            stacks = sample(process.pid, (), 1)
        except NotSampled as error:
            stacks, advice = [], error.advice
        else:
            advice = ""
        process.kill()
    names = {frame.function for stack in stacks for frame in stack.frames}
    assert names & {*known} == ({known[-1]} if stacks else set())
    assert bool(stacks) != bool(advice), "without stacks, what to do about it"
