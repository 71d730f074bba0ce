"""Options that all servers of a load test are started with; the server alone knows their bounds."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

from loadtests.service.pythons import ServerPython, server_pythons
from loadtests.service.workload_modules import modules

PREFIX = "LOADBEARING_"


class OptionFlag(NamedTuple):
    """An option of the server, as a flag of the load test."""

    name: str
    value: str
    text: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The variable by which the server would read it."""
        return PREFIX + self.name.upper()


OPTION_FLAGS = (
    OptionFlag("loop", "LOOP", "event loop: uvloop or asyncio"),
    OptionFlag("threads", "N", "threads in each pool"),
    OptionFlag("processes", "N", "processes in each pool"),
    OptionFlag("start_method", "METHOD", "how worker processes start: forkserver, spawn or fork"),
    OptionFlag("switch_interval", "TIME", "GIL switch interval, e.g. 0.5ms"),
    OptionFlag("admission", "POLICY", "unbounded, bounded, deadline, lifo or adaptive"),
    OptionFlag("target", "TIME", "response time that admission aims for, e.g. 150ms"),
    OptionFlag("queue", "N", "requests that may wait for each model"),
    OptionFlag("deadline", "TIME", "time limit for one request, e.g. 5s"),
    OptionFlag("workers", "N", "server processes"),
    OptionFlag("loops", "N", "event loops in threads of one process, for a Python without a GIL"),
    OptionFlag("dask", "ADDRESS", "a running Dask scheduler"),
)
SETTLED = ("HOST", "PORT", "ALLOW_HOST", "MODELS", "WORKLOADS")  # by the load test itself
INHERITED = ("POSTGRES",)  # from the environment alone: a run file must not record its password


def add_axes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server options (details: .venv/bin/python -m server --help)")
    for option in OPTION_FLAGS:
        group.add_argument(option.flag, metavar=option.value, help=option.text)


def axes_of(parsed: argparse.Namespace) -> dict[str, str]:
    """Return the options that were given."""
    given = {option.name: getattr(parsed, option.name, None) for option in OPTION_FLAGS}
    return {name: value for name, value in given.items() if value is not None}


def from_environment(parsed: argparse.Namespace) -> dict[str, str]:
    """Return the options that the command takes and variables give: they are recorded like flags.

    A running service has those that it was started with.
    """
    if getattr(parsed, "host", None):
        return {}
    given = {option.name: os.environ.get(option.variable) for option in OPTION_FLAGS}
    return {name: value for name, value in given.items() if value and hasattr(parsed, name)}


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without variables for the server, which gets all of it by flags."""
    variables = {option.variable for option in OPTION_FLAGS} | {PREFIX + name for name in SETTLED}
    return {name: value for name, value in environment.items() if name not in variables}


def values(text: str) -> tuple[str, ...]:
    """Read the values of an option, which commas separate; each counts once."""
    return tuple(dict.fromkeys(value.strip() for value in text.split(",") if value.strip()))


def flags(axes: Mapping[str, str]) -> list[str]:
    """Write options as the server reads them; `=` protects a value that begins with a dash."""
    return [f"{option.flag}={axes[option.name]}" for option in OPTION_FLAGS if option.name in axes]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How servers are started: with these options and modules, in this folder, on each Python."""

    axes: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    directory: str = field(default_factory=os.getcwd)
    pythons: tuple[ServerPython, ...] = field(default_factory=lambda: server_pythons(()))

    @classmethod
    def from_arguments(cls, parsed: argparse.Namespace) -> Self:
        """Read the command line. Raises ServiceError for a module or a Python that is missing."""
        here = Path.cwd()
        return cls(
            axes=from_environment(parsed) | axes_of(parsed),
            modules=modules(getattr(parsed, "workloads", None) or (), here),
            directory=str(here),
            pythons=server_pythons(
                python for given in getattr(parsed, "server_python", ()) for python in values(given)
            ),
        )

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote; an empty text stands for the defaults."""
        return cls.of(json.loads(text)) if text else cls()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Restore the options from JSON data."""
        pythons = tuple(ServerPython(**python) for python in given["pythons"])
        return cls(**{**given, "modules": tuple(given["modules"]), "pythons": pythons})

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @property
    def folder(self) -> Path:
        return Path(self.directory)

    @property
    def varied(self) -> dict[str, tuple[str, ...]]:
        """The options with several values, which make rows."""
        return {name: values(text) for name, text in self.axes.items() if "," in text}

    @property
    def first(self) -> dict[str, str]:
        """The first value of each option with several: what a single server has."""
        return {name: values[0] for name, values in self.varied.items()}

    def arguments(self) -> list[str]:
        """Return the arguments of a server."""
        return [*flags(self.axes), *(f"--workloads={module}" for module in self.modules)]

    def only(self, row: Mapping[str, str]) -> Self:
        """Return the options of the servers of a row: of those that vary, it has its own."""
        alike = {name: text for name, text in self.axes.items() if name not in self.varied}
        return replace(self, axes={**alike, **row})

    def rows(self, options: Mapping[str, Mapping[str, Any]], model: str) -> list[dict[str, str]]:
        """Return what varies in each row of a model; `options` is what a server says of them."""
        affecting = [
            name
            for name in self.varied
            if (models := options.get(name, {}).get("models")) is None or model in models
        ]
        products = product(*(self.varied[name] for name in affecting))
        return [dict(zip(affecting, row, strict=True)) for row in products]
