"""The axes of the server that a load test hands on; what they may be, the server alone knows."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import NamedTuple


class OptionFlag(NamedTuple):
    """An option of the server, and why one would turn it."""

    name: str
    value: str
    text: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


OPTION_FLAGS = (
    OptionFlag("loop", "LOOP", "event loop: uvloop or asyncio"),
    OptionFlag("threads", "N", "threads in each pool"),
    OptionFlag("processes", "N", "processes in each pool"),
    OptionFlag("start_method", "METHOD", "how worker processes start: forkserver, spawn or fork"),
    OptionFlag("switch_interval", "TIME", "GIL switch interval, such as 0.5ms"),
    OptionFlag("admission", "POLICY", "unbounded, bounded, deadline, lifo or adaptive"),
    OptionFlag("target", "TIME", "response time that admission aims for, such as 150ms"),
    OptionFlag("queue", "N", "requests that may wait for each model"),
    OptionFlag("deadline", "TIME", "time for one request, such as 5s"),
    OptionFlag("workers", "N", "server processes"),
    OptionFlag("loops", "N", "event loops in threads of one process, for a Python without GIL"),
    OptionFlag("dask", "ADDRESS", "a running Dask scheduler"),
)


def add_axes(parser: argparse.ArgumentParser, but: Collection[str] = ()) -> None:
    """Add all of them, but for those that a command reads in a way of its own."""
    group = parser.add_argument_group("axes of the server (python -m server --help has the bounds)")
    for axis in (axis for axis in OPTION_FLAGS if axis.name not in but):
        group.add_argument(axis.flag, metavar=axis.value, help=axis.text)


def axes_of(parsed: argparse.Namespace) -> dict[str, str]:
    """Return those that were given."""
    given = {axis.name: getattr(parsed, axis.name, None) for axis in OPTION_FLAGS}
    return {name: value for name, value in given.items() if value is not None}


def flags(axes: Mapping[str, str]) -> list[str]:
    """Write them as the server reads them; `=` keeps a value that begins with a dash."""
    return [f"{axis.flag}={axes[axis.name]}" for axis in OPTION_FLAGS if axis.name in axes]
