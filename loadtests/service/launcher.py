"""Where cells are measured: on fresh servers of our own, or on a running service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from loadtests.cell import Variation
from loadtests.service.contract import Discovery, discover
from loadtests.service.options import ServerOptions
from loadtests.service.process import OwnProcess, ServerProcess


class RunningService(NamedTuple):
    """A service that answers, its process if it is ours, and what it offers."""

    url: str
    subject: OwnProcess | None
    discovery: Discovery


class Launcher:
    """Starts servers as `servers` describes them; with a `host`, there is nothing to start.

    `variations` are how the servers of rows differ, by their labels: at first by Python alone.
    """

    def __init__(self, servers: ServerOptions, host: str | None, log: Path) -> None:
        self.servers = servers
        self.host = host
        self._log = log
        self._executables = {python.label: python.executable for python in servers.pythons}
        self.variations = {label: Variation(python=label) for label in self._executables}

    @property
    def pythons(self) -> list[str]:
        """The labels of the Pythons that are compared, or one empty label."""
        return list(self._executables)

    def vary(self, option: str, values: Sequence[object]) -> None:
        """Make rows of these values of an option, unless the user has named some."""
        if option not in self.servers.varied:
            axes = {**self.servers.axes, option: ",".join(map(str, values))}
            self.servers = replace(self.servers, axes=axes)

    def rows(
        self, model: str, discovery: Discovery, python: str, also: Sequence[Mapping[str, str]] = ()
    ) -> list[str]:
        """Return the variants of a model on a Python, and those with `also` these options."""
        own = self.servers.rows(discovery.options, model)
        variations = [Variation(options, python) for options in (*own, *also)]
        self.variations |= {variation.label: variation for variation in variations}
        return [variation.label for variation in variations]

    @contextmanager
    def start(
        self,
        models: str | None,
        variant: str = "",
        *,
        axes: Mapping[str, str] = MappingProxyType({}),
        cores: int | None = None,
    ) -> Iterator[RunningService]:
        """Yield a running service as a row has it, with all default models unless some are named.

        `axes` replace further options; `cores` limits how many it may use. Raises StartError if it
        does not start, and ServiceError where something else answers.
        """
        if self.host:
            yield RunningService(self.host, None, discover(self.host))
            return
        variation = self.variations[variant]
        servers = self.servers.only({**variation.options, **axes})
        with ServerProcess(
            ("--port", "0", *(("--models", models) if models else ()), *servers.arguments()),
            self._log,
            executable=self._executables[variation.python],
            directory=servers.directory,
            cores=cores,
        ) as subject:
            yield RunningService(subject.url, subject, discover(subject.url))
