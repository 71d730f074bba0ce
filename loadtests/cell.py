"""A cell: a workload under a row, which is a model with the options that vary in a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Cell(NamedTuple):
    """A workload under a model, and the label of its options where a run varies some."""

    workload: str
    model: str
    variant: str = ""

    @property
    def row(self) -> str:
        """The label of its row in a matrix: `thread-pool`, or `thread-pool · 64 threads`."""
        return f"{self.model} · {self.variant}" if self.variant else self.model


@dataclass(frozen=True, slots=True)
class Variation:
    """How the service of a row is started: the options that vary, and the label of its Python."""

    options: Mapping[str, str] = field(default_factory=dict)
    python: str = ""

    @property
    def label(self) -> str:
        parts = [phrase(name, value) for name, value in self.options.items()]
        return " · ".join([*parts, self.python] if self.python else parts)


def phrase(option: str, value: str) -> str:
    """Return the value of an option in words: `64 threads`, `1 worker`, `admission lifo`."""
    words = option.replace("_", " ")
    if not (value.isdecimal() and words.endswith("s")):
        return f"{words} {value}"
    if value == "1":
        words = words.removesuffix("es" if words.endswith("sses") else "s")
    return f"{value} {words}"
