"""What all cases share: how long and how often they measure, and on which Pythons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.service.interpreters import Interpreter
from loadtests.service.process import ServerProcess

FAST_S = 0.6
PATIENT = ("--admission", "bounded", "--queue", "256", "--deadline", "60s")


@dataclass(frozen=True, slots=True)
class Testbed:
    """`fast` only checks that everything runs: its figures mean nothing.

    The first Python runs the servers; the others are used by the cases about Pythons.
    """

    pythons: Sequence[Interpreter]
    fast: bool = False

    def seconds(self, usual: float) -> float:
        return min(usual, FAST_S) if self.fast else usual

    def rounds(self, usual: int) -> int:
        return 1 if self.fast else usual

    def server(
        self, models: str, *options: str, python: Interpreter | None = None
    ) -> ServerProcess:
        """Start a server with these models and options."""
        executable = (python or self.pythons[0]).executable
        return ServerProcess(("--port", "0", "--models", models, *options), executable=executable)

    def label(self, python: Interpreter) -> str:
        """Name the Python, if there are several."""
        return f"{python.label}: " if len(self.pythons) > 1 else ""
