"""Stacks are read from what py-spy writes, or else why there are none, and what to do."""

from __future__ import annotations

import os

import pytest

from loadtests.errors import NotSampled
from loadtests.service.stacks import Frame, Stack, parsed, refusal, sample


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
