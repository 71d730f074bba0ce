"""One surge as asked for, on its way from the terminal to the process that measures it."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from loadtests.durations import duration_text
from loadtests.run.options import names, settings
from loadtests.run.surge.phases import DURATIONS, Three
from loadtests.service.options import ServerOptions, flags
from loadtests.service.workload_modules import ALL

if TYPE_CHECKING:
    import argparse

POLICIES = ("unbounded", "bounded", "deadline", "lifo", "adaptive")
HEADLINE_POLICIES = POLICIES[:3]


def policies(text: str) -> tuple[str, ...]:
    """Read `bounded,deadline`, or all of them. Raises ValueError for an unknown one."""
    found = names(text)
    if found == (ALL,):
        return POLICIES
    for policy in found or ("",):
        if policy not in POLICIES:
            known = ", ".join(POLICIES)
            raise ValueError(f"there is no admission {policy!r}; there are {known}, or all")
    return found


@dataclass(frozen=True, slots=True)
class SurgeRequest:
    """A cell, the policies to offer the surge to, in this order, and how their servers start."""

    workload: str
    model: str
    policies: tuple[str, ...]
    slo: str
    parameters: tuple[str, ...]
    seed: int
    durations: Three
    servers: ServerOptions

    @classmethod
    def asked(cls, parsed: argparse.Namespace) -> Self:
        """Read the command line. Raises ServiceError for a module that is not there."""
        [workload] = parsed.workloads
        servers = ServerOptions.from_arguments(parsed)
        return cls(
            workload=workload,
            model=parsed.model,
            policies=parsed.policies,
            slo=str(parsed.slo),
            parameters=tuple(settings(parsed.parameters)),
            seed=parsed.seed,
            durations=parsed.phases,
            servers=servers,
        )

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote."""
        given = json.loads(text)
        before, surge, after = given.pop("durations")
        servers = ServerOptions.load(json.dumps(given.pop("servers")))
        for name in ("policies", "parameters"):
            given[name] = tuple(given[name])
        return cls(**given, durations=(before, surge, after), servers=servers)

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @property
    def command(self) -> str:
        """The command that repeats it; where its results went is left out."""
        words = ["scripts/surge", "--workload", self.workload, "--model", self.model]
        words += ["--admission", ",".join(self.policies), "--slo", self.slo]
        words += [word for setting in self.parameters for word in ("--param", setting)]
        words += ["--seed", str(self.seed), *flags(self.servers.axes)]
        if self.durations != DURATIONS:
            words += ["--phases", ",".join(map(duration_text, self.durations))]
        return shlex.join(words)
