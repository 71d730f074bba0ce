"""A cell: a workload under a model."""

from typing import NamedTuple


class Cell(NamedTuple):
    """A workload under a model, and under a Python where a run compares several."""

    workload: str
    model: str
    python: str = ""

    @property
    def row(self) -> str:
        """The label of its row in a matrix: `thread-pool`, or `thread-pool · 3.13t`."""
        return f"{self.model} · {self.python}" if self.python else self.model
