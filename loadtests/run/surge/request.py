"""A requested surge, on its way from the terminal to the process that measures it."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from loadtests.durations import duration_text
from loadtests.errors import ServiceError
from loadtests.run.options import settings
from loadtests.run.surge.phases import DURATIONS, Three
from loadtests.service.options import ServerOptions, flags
from loadtests.service.workload_modules import ALL
from loadtests.wording import unknown

if TYPE_CHECKING:
    import argparse

    from loadtests.service.contract import Discovery

HEADLINE_POLICIES = ("unbounded", "bounded", "deadline")


def chosen_policies(requested: tuple[str, ...], discovery: Discovery) -> tuple[str, ...]:
    """Return the requested policies, or all. Raises ServiceError for one that is unknown there."""
    known: tuple[str, ...] = tuple(discovery.options["admission"]["choices"])
    if requested == (ALL,):
        return known
    for policy in requested:
        if policy not in known:
            raise ServiceError(unknown("admission policy", policy, known))
    return requested


@dataclass(frozen=True, slots=True)
class SurgeRequest:
    """A cell, the policies to measure in this order (or `all`), and how their servers start."""

    workload: str
    model: str
    policies: tuple[str, ...]
    slo: str
    parameters: tuple[str, ...]
    seed: int
    durations: Three
    servers: ServerOptions

    @classmethod
    def from_arguments(cls, parsed: argparse.Namespace) -> Self:
        """Read the command line. Raises ServiceError for a module that is missing."""
        [workload] = parsed.workloads
        return cls(
            workload=workload,
            model=parsed.model,
            policies=parsed.policies,
            slo=str(parsed.slo),
            parameters=tuple(settings(parsed.parameters)),
            seed=parsed.seed,
            durations=parsed.phases,
            servers=ServerOptions.from_arguments(parsed),
        )

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote."""
        given = json.loads(text)
        lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        return cls(**{**given, **lists, "servers": ServerOptions.of(given["servers"])})

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @property
    def command(self) -> str:
        """The command that repeats it, without the folder of its results."""
        words = ["scripts/surge", "--workload", self.workload, "--model", self.model]
        words += ["--admission", ",".join(self.policies), "--slo", self.slo]
        words += [word for setting in self.parameters for word in ("--param", setting)]
        words += ["--seed", str(self.seed), *flags(self.servers.axes)]
        if self.durations != DURATIONS:
            words += ["--phases", ",".join(map(duration_text, self.durations))]
        return shlex.join(words)
