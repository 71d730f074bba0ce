"""What a person may choose for a load test, read from the form or the command line alike."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.capacity.support import objective
from loadtests.durations import parse_duration
from loadtests.load.arrivals import Kind
from loadtests.run.beyond.kinds import Chosen, chosen_kinds
from loadtests.run.surge.phases import DURATIONS, Three, durations
from loadtests.service.options import ServerOptions
from loadtests.slo import Slo

PERCENTILES = (95.0, 99.0, 99.9)  # of a full search, all with the same bound
SEARCHES = {"quick": 1, "full": 3}  # of each cell; each on a fresh server, for no two are alike
HEADLINE_WORKLOADS = ("sleep", "primes", "sha256", "scrape")
HEADLINE_MODELS = (
    *("inline", "async", "thread-pool", "process-pool", "supervised-process-pool"),
    *("interpreter-pool", "hybrid"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """One load test, as asked for: no search begins after `budget_s`, if that is not 0.

    `also` are further percentiles of the objective that each search looks for.
    """

    workloads: tuple[str, ...]
    models: tuple[str, ...]
    load: str
    arrivals: Kind
    scenario: str
    slo: Slo
    mode: str
    seed: int
    parameters: Mapping[str, Mapping[str, str]]
    output: str
    running_service: bool
    servers: ServerOptions = field(default_factory=ServerOptions)
    beyond: Chosen = field(default_factory=dict)
    also: tuple[Slo, ...] = ()
    searches: int = 1
    budget_s: float = 0.0
    prove: bool = False
    durations: Three = DURATIONS
    steps: int = 5
    spike: float = 4.0

    @property
    def cells(self) -> list[tuple[str, str]]:
        return [(workload, model) for workload in self.workloads for model in self.models]

    @classmethod
    def of(cls, parsed: Namespace) -> Options:
        """Read what Locust parsed. Raises ValueError naming what is wrong."""
        return cls(
            workloads=names(parsed.workloads),
            models=names(parsed.models),
            load=parsed.load,
            arrivals=parsed.arrivals,
            scenario=parsed.scenario,
            slo=objective(parsed.slo),
            mode=parsed.mode,
            seed=int(_number(parsed.seed, "seed", "1", int)),
            parameters=parameters(parsed.param),
            output=parsed.output,
            running_service=parsed.running_service,
            servers=ServerOptions.load(parsed.servers),
            beyond=chosen_kinds(names(parsed.beyond), parsed.mode),
            also=also(objective(parsed.slo), parsed.mode),
            searches=parsed.searches or SEARCHES[parsed.mode],
            budget_s=parse_duration(parsed.budget) if parsed.budget else 0.0,
            prove=parsed.prove,
            durations=durations(parsed.phases),
            steps=int(_number(parsed.steps, "number of steps", "5", int)),
            spike=_number(parsed.spike, "height of a spike", "4", float),
        )


def _number(given: Any, what: str, example: str, kind: type[float]) -> float:
    try:
        return kind(given)
    except ValueError:
        raise ValueError(f"{given!r} is no {what}; write {example}") from None


def also(slo: Slo, mode: str) -> tuple[Slo, ...]:
    """Give the percentiles that a search looks for beside the one asked for, in a full run."""
    if mode != "full":
        return ()
    return tuple(slo.at(one) for one in PERCENTILES if one != slo.percentile)


def names(given: Any) -> tuple[str, ...]:
    """Read `a,b` as well as a list of them; each name counts once."""
    parts = [given] if isinstance(given, str) else given or []
    split = [name.strip() for part in parts for name in str(part).split(",")]
    return tuple(dict.fromkeys(name for name in split if name))


def parameters(given: Any) -> dict[str, dict[str, str]]:
    """Read `workload.name=value` settings. Raises ValueError for any other form."""
    found: dict[str, dict[str, str]] = {}
    for setting in names(given):
        target, equals, value = setting.partition("=")
        workload, dot, name = target.partition(".")
        if not (equals and dot and workload and name and value):
            raise ValueError(f"{setting!r} is no parameter; write primes.below=5000")
        found.setdefault(workload, {})[name] = value
    return found
