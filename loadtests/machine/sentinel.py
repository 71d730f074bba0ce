"""Watch the machine while trials run: its counters from here, its speed by a probe beside us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from select import select
from time import monotonic
from typing import Any, Self

from loadtests.machine.counters import Counters, between, counters
from loadtests.machine.disturbances import MachineState
from loadtests.paths import ROOT
from loadtests.system.child import child

START_S = 5.0  # for the probe to calibrate itself, which takes 0.4 s on an idle machine
ANSWER_S = 2.0  # for its answer after a trial: 0.3 s if it must calibrate again, else at once
END_S = 2.0


class Sentinel:
    """Watches all trials of a run; `begin` and `end` take a few milliseconds each.

    Create it while the machine is idle, because the probe calibrates itself at once. A run goes on
    without the probe if that cannot start or has died, and without counters the system lacks.
    """

    def __init__(self) -> None:
        self._number = 0
        self._unread = b""
        self._before: Counters | None = None
        self._open = ExitStack()
        theirs, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        for descriptor in (self._requests, self._answers):
            self._open.callback(os.close, descriptor)
        os.set_blocking(self._requests, False)  # a probe that is stopped must not block us
        self._probe: subprocess.Popen[bytes] | None = None
        try:
            with suppress(OSError):
                self._probe = self._open.enter_context(
                    child(
                        [sys.executable, "-ES", "-m", "loadtests.machine.speed_probe"],
                        stop_s=END_S,
                        cwd=ROOT,
                        stdin=theirs,
                        stdout=answers,
                        stderr=subprocess.DEVNULL,  # what a failed probe would know is unknown
                        start_new_session=True,
                    )
                )
        finally:
            os.close(theirs)
            os.close(answers)
        self._ask(START_S)

    @property
    def pid(self) -> int | None:
        """The process of the probe, whose CPU time is not the load's."""
        return self._probe.pid if self._probe else None

    def begin(self) -> None:
        """Start watching, right before a trial."""
        self._send("begin")
        self._before = counters()

    def end(self, own_cpu_s: float | None) -> MachineState:
        """Return what the machine did since `begin`.

        `own_cpu_s` is what server and generator used meanwhile, in CPU seconds. If it is None, as
        the server's use is unknown, that of others is unknown too.
        """
        after = counters()
        answer = self._ask(ANSWER_S)
        span = between(self._before or after, after)
        others = None
        if own_cpu_s is not None and span.busy_cores is not None:
            known_s = own_cpu_s + answer.get("cpu_s", 0.0)
            others = max(span.busy_cores - known_s / span.elapsed_s, 0.0)
        state: dict[str, Any] = answer.get("machine", {})
        state |= {f"{name}_pressure": share for name, share in span.pressures.items()}
        state |= {"steal": span.steal, "others_cores": others, "cores": span.cores}
        return MachineState(**state)

    def _ask(self, patience_s: float) -> dict[str, Any]:
        """Ask the probe for its report; empty if it does not answer in time."""
        self._number += 1
        self._send("end")
        deadline = monotonic() + patience_s
        while (left := deadline - monotonic()) > 0 and select([self._answers], [], [], left)[0]:
            received = os.read(self._answers, 4096)
            if not received:
                break  # the probe is dead
            *lines, self._unread = (self._unread + received).split(b"\n")
            for line in lines:
                answer: dict[str, Any] = json.loads(line)
                if answer["number"] == self._number:  # else a late answer to an earlier request
                    return answer
        return {}

    def _send(self, word: str) -> None:
        with suppress(OSError):
            os.write(self._requests, f"{word} {self._number}\n".encode())

    def close(self) -> None:
        """End the probe."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
