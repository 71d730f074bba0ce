"""What all servers of a load test have in common, on its way through Locust's command line."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from loadtests.service.option_flags import axes_of, flags
from loadtests.service.pythons import ServerPython, server_pythons
from loadtests.service.workload_modules import modules


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How servers are started: with these axes and modules, in this folder, on each Python."""

    axes: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    directory: str = field(default_factory=os.getcwd)
    pythons: tuple[ServerPython, ...] = field(default_factory=lambda: server_pythons(()))

    @classmethod
    def asked(cls, parsed: argparse.Namespace) -> Self:
        """Read what the command line asks for. Raises ServiceError for what is not there."""
        here = Path.cwd()
        return cls(
            axes=axes_of(parsed),
            modules=modules(getattr(parsed, "workloads", None) or (), here),
            directory=str(here),
            pythons=server_pythons(getattr(parsed, "server_python", ())),
        )

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote; nothing stands for the defaults."""
        return cls.of(json.loads(text)) if text else cls()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return what JSON made of one."""
        pythons = tuple(ServerPython(**python) for python in given["pythons"])
        return cls(**{**given, "modules": tuple(given["modules"]), "pythons": pythons})

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @property
    def folder(self) -> Path:
        return Path(self.directory)

    def arguments(self) -> list[str]:
        """What every server is told."""
        return [*flags(self.axes), *(f"--workloads={module}" for module in self.modules)]
