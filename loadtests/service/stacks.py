"""What a service is doing, line by line: the stacks that py-spy samples from outside.

Sampling pauses the service a hundred times a second, so nothing is measured meanwhile.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from loadtests.errors import NotSampled
from loadtests.system.child import child

GIL_HOLDERS, ALL, ACTIVE = ("--gil",), ("--idle",), ()  # the threads to sample
LATE_S = 15.0  # to find the processes, and to write what was sampled
STOP_S = 2.0
NONE_FOUND = "No python processes found"
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
# Before its frames, a stack has its process, below those that started it, with their commands.
PROCESS = re.compile(r'process (\d+):"')
FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*?)(?::(?P<line>\d+))?\)")


class Frame(NamedTuple):
    """One call on a stack; the line is 0 where there is none."""

    function: str
    file: str
    line: int = 0


class Stack(NamedTuple):
    """The calls of one thread, the outermost first, and in how many samples they were seen."""

    frames: tuple[Frame, ...]
    times: int
    pid: int = 0


def sample(pid: int, threads: Iterable[str], seconds: int) -> list[Stack]:
    """Sample some threads of a process and of all below it. Raises NotSampled."""
    with TemporaryDirectory() as folder:
        raw, errors = Path(folder, "raw"), Path(folder, "errors")
        what = ["--pid", str(pid), "--duration", str(seconds), "--subprocesses", *threads]
        how = ["--format", "raw", "--full-filenames", "--output", str(raw)]
        with (
            errors.open("wb") as log,
            child(
                [_program(), "record", *what, *how],
                stop_s=STOP_S,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            ) as sampler,
        ):
            try:
                code = sampler.wait(seconds + LATE_S)
            except subprocess.TimeoutExpired:
                raise NotSampled(f"py-spy took more than {seconds + LATE_S:g} s") from None
        if code or not raw.is_file():
            message = errors.read_text(errors="replace")
            raise refusal(_reason(pid) if NONE_FOUND in message else message)
        return list(parsed(raw.read_text(errors="replace").splitlines()))


def _program() -> str:
    beside = Path(sys.executable).with_name("py-spy")
    program = str(beside) if beside.is_file() else shutil.which("py-spy")
    if program is None:
        raise NotSampled("py-spy is not installed", "run scripts/setup")
    return program


def _reason(pid: int) -> str:
    """Look at one process, which gives a reason; a search for processes just finds none."""
    command = [_program(), "dump", "--pid", str(pid)]
    looked = subprocess.run(  # noqa: S603 - a tool of ours
        command, capture_output=True, text=True, timeout=LATE_S, check=False
    )
    return looked.stderr or NONE_FOUND


def parsed(lines: Iterable[str]) -> Iterator[Stack]:
    """Read the raw format of py-spy: frames separated by semicolons, and a count."""
    for line in lines:
        text, _, count = line.rpartition(" ")
        pid = 0
        if processes := list(PROCESS.finditer(text)):  # commands may contain anything
            pid = int(processes[-1][1])
            text = text[processes[-1].end() :].rpartition('";')[2]
        calls = [FRAME.fullmatch(call) for call in text.split(";")]
        frames = tuple(
            Frame(call["function"], call["file"], int(call["line"] or 0)) for call in calls if call
        )
        if frames:
            yield Stack(frames, int(count), pid)


def refusal(message: str) -> NotSampled:
    """Say why py-spy did not sample, and what to do about it, from what it wrote."""
    if re.search("permission denied|not permitted|requires root|EPERM", message, re.IGNORECASE):
        return NotSampled("this user may not trace other processes", _permission())
    lines = [line.strip() for line in message.splitlines() if line.startswith("Error: ")]
    why = (lines or [message.strip().partition("\n")[0]])[0].removeprefix("Error: ").rstrip(".")
    if re.search("version of python|python version|_PyRuntime|interpreter", why, re.IGNORECASE):
        advice = "use a Python that it supports, for example the one that runs the load test"
        return NotSampled(f"py-spy does not support this Python: {why}", advice)
    return NotSampled(f"py-spy failed: {why or 'it gave no reason'}")


def _permission() -> str:
    if sys.platform == "linux" and YAMA.is_file() and YAMA.read_text().strip() != "0":
        return "run `sudo sysctl kernel.yama.ptrace_scope=0`, or run as root"
    if sys.platform == "linux":
        return "run as root; in a container, start it with the capability SYS_PTRACE"
    return "run as root"
