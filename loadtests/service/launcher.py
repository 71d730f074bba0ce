"""Where cells are measured: on fresh servers of our own, or on a running service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from loadtests.service.options import ServerOptions
from loadtests.service.process import ServerProcess


class RunningService(NamedTuple):
    """A service that answers, and its process if it is ours."""

    url: str
    subject: ServerProcess | None


class Launcher:
    """Starts servers as `servers` describes them; with a `host`, there is nothing to start."""

    def __init__(self, servers: ServerOptions, host: str | None, log: Path) -> None:
        self._servers = servers
        self.host = host
        self._log = log
        self._executables = {python.label: python.executable for python in self._servers.pythons}

    @property
    def labels(self) -> list[str]:
        """The Pythons that are compared, or one empty label."""
        return list(self._executables)

    @contextmanager
    def start(
        self,
        model: str | None,
        python: str,
        *,
        axes: Mapping[str, str] = MappingProxyType({}),
        cores: int | None = None,
    ) -> Iterator[RunningService]:
        """Yield a running service, with all default models unless one is named.

        `axes` replace options of `servers`; `cores` limits how many it may use. Raises StartError
        if it does not start.
        """
        if self.host:
            yield RunningService(self.host, None)
            return
        servers = replace(self._servers, axes={**self._servers.axes, **axes})
        with ServerProcess(
            ("--port", "0", *(("--models", model) if model else ()), *servers.arguments()),
            self._log,
            executable=self._executables[python],
            directory=self._servers.directory,
            cores=cores,
        ) as subject:
            yield RunningService(subject.url, subject)
