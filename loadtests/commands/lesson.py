"""A first lesson: six cells, with what to expect before each workload and what was found after it.

It is a survival run like any other, of workloads and models that show what threads and processes
are good for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.errors import ServiceError
from loadtests.report.console import item
from loadtests.report.summary import summarize
from loadtests.report.survival.live import LiveScreen
from loadtests.run.file.fold import with_next
from loadtests.run.options import NOBODY

if TYPE_CHECKING:
    from argparse import Namespace

    from rich.console import Console

    from loadtests.run.file.lines import Line, Run

CELLS = {"workloads": ("sleep", "primes"), "models": ("inline", "thread-pool", "process-pool")}
PREDICT = {
    "sleep": "sleep only waits, as a blocking driver does. Inline, the event loop waits with it: "
    "one request at a time. {threads} threads wait side by side, so expect up to {threads} times "
    "as much; {processes} processes wait side by side too: up to {processes} times as much.",
    "primes": "primes computes in pure Python, which holds the GIL. Only one thread at a time can "
    "run it, so expect no more of {threads} threads than of inline. Each process has a GIL of its "
    "own: up to {processes} times as much, if there is a core for each.",
}


def chosen(parsed: Namespace) -> None:
    """Choose what the lesson measures. Raises ServiceError if the user does so too."""
    for name, values in {**CELLS, "mode": "quick", "autopsy": NOBODY}.items():
        if name in parsed:
            given = f"--{parsed.mode if name == 'mode' else name}"
            raise ServiceError(f"--lesson measures a fixed choice of cells; leave {given} out")
        setattr(parsed, name, values)


class LessonScreen(LiveScreen):
    """Says what to expect when a workload begins, and what its predecessor has shown."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._lesson: Run | None = None
        self._begun: list[str] = []

    def update(self, line: Line) -> None:
        super().update(line)
        self._lesson = with_next(self._lesson, line)
        if line["line"] == "workload-start" and line["workload"] not in self._begun:
            self._explain(self._begun[-1:])
            self._begun.append(line["workload"])
            self._predict(line["workload"])

    def _predict(self, workload: str) -> None:
        server = self._lesson.plan.environment["server"] if self._lesson else {}
        if text := PREDICT.get(workload):
            self._say("?", f"Predict: {text.format_map(server)}")

    def _explain(self, workloads: list[str]) -> None:
        """State the answer; that of the last workload ends the run, with those of all."""
        verdicts = summarize(self._lesson).verdicts if self._lesson else ()
        for verdict in verdicts:
            if verdict.workload in workloads:
                self._say("•", verdict.sentence)

    def _say(self, bullet: str, text: str) -> None:
        self._console.print(item(bullet, text, "bold"))
        self._console.print()
