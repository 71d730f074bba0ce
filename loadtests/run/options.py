"""The request for a load test as one value: read, sent to another process, stored, compared.

Each field of `Options` states how it is read and written, so that a further option is a further
field: the command line, the first line of a run file, and the comparison with a run that is to be
resumed follow from it. A field that people choose in the UI has a form field too.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

from loadtests.durations import duration_text, some_time
from loadtests.run.beyond.kinds import KINDS, Chosen, chosen_kinds, expected_s, written
from loadtests.run.flags import (
    Flag,
    always,
    frozen,
    names,
    no_less,
    number,
    option,
    some_names,
    texts,
)
from loadtests.service.options import ServerOptions
from loadtests.service.workload_modules import located
from loadtests.slo import Slo, objective

if TYPE_CHECKING:
    from loadtests.load.arrivals import Kind

PERCENTILES = (95.0, 99.0, 99.9)  # of a full run, all with the same bound
HEADLINE_WORKLOADS = ("sleep", "primes", "sha256", "scrape")
HEADLINE_MODELS = (
    *("inline", "async", "thread-pool", "process-pool", "supervised-process-pool"),
    *("interpreter-pool", "hybrid"),
)
BASELINE = "inline"  # what people have who have not yet decided
MOST_GENERATORS = 64
START_S = 60.0  # until the first answer of a service of the user
MOST_SEED = 2**32
MOST_LOAD = 100_000
IN_FORM = {"load": "at_load"}  # flags that have another name in the UI, whose "load" is a kind
AS_GIVEN = ("load", "arrivals", "scenario", "output", "prove")  # fields that need no reading
NAMED, EVERYBODY, NOBODY = "named", "all", "none"  # the cells that have an autopsy
MEASURE, PRECISION, SERVICE = "what to measure", "how precisely", "the service"


def parameters(given: Any) -> dict[str, dict[str, str]]:
    """Read `workload.name=value` settings. Raises ValueError for any other form."""
    values: dict[str, dict[str, str]] = {}
    for setting in names(given):
        target, equals, value = setting.partition("=")
        workload, dot, name = target.partition(".")
        if not (equals and dot and workload and name and value):
            raise ValueError(f"invalid parameter {setting!r}: expected e.g. primes.below=5000")
        values.setdefault(workload, {})[name] = value
    return values


def settings(values: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Write what `parameters` reads."""
    return [f"{w}.{name}={value}" for w, given in values.items() for name, value in given.items()]


def promises(given: Any) -> tuple[str, ...]:
    """Read names of promises as the service spells them."""
    return tuple(name.replace("-", "_") for name in some_names(given))


def hyphenated(promise: str) -> str:
    """Write the name of a promise as people type it."""
    return promise.replace("_", "-")


def beyond(given: Any) -> dict[str, float]:
    return chosen_kinds(some_names(given), "quick")


def examined(given: Any) -> str:
    if given not in (known := (NAMED, EVERYBODY, NOBODY)):
        raise ValueError(f"{given!r} are not cells to examine: expected {', '.join(known)}")
    return str(given)


@dataclass(frozen=True, slots=True)
class Options:
    """One load test; no round begins after `budget_s`, unless that is 0."""

    slo: Slo = option(  # noqa: RUF009 - it returns a field
        Slo(99, 0.25),
        Flag(MEASURE, "service-level objective; slower answers count as late", "SLO",
             read=objective, write=str),
        load=Slo.parse,
    )  # fmt: skip
    workloads: tuple[str, ...] = option(
        HEADLINE_WORKLOADS,
        Flag(MEASURE, "workloads, modules of your own (./mine.py), or all",
             "W,...", read=some_names, write=list, repeated=True),
    )  # fmt: skip
    models: tuple[str, ...] = option(
        HEADLINE_MODELS,
        Flag(MEASURE, "models, or all", "M,...",
             read=some_names, write=list, repeated=True),
    )  # fmt: skip
    parameters: Mapping[str, Mapping[str, str]] = option(
        {},
        Flag(MEASURE, "set a parameter of a workload, e.g. primes.below=5000; repeatable",
             "W.NAME=VALUE", "param", parameters, settings, repeated=True),
    )  # fmt: skip
    host: str = option(
        "",
        Flag(SERVICE, "measure this running service instead of starting fresh servers", "URL",
             write=lambda url: url or None),
    )  # fmt: skip
    services: tuple[str, ...] = option(
        (),
        Flag(SERVICE, "measure a service of your own, which this command starts on the port; "
             "repeatable", "'NAME=COMMAND {port}'", "start", texts, list, repeated=True),
    )  # fmt: skip
    urls: tuple[str, ...] = option(
        (),
        Flag(SERVICE, "measure a service of your own that runs already; repeatable",
             "NAME=URL", "url", texts, list, repeated=True),
    )  # fmt: skip
    against: str = option(
        "",
        Flag(SERVICE, "another version of that service, e.g. of main: its command or URL; both are "
             "measured in the same rounds, and a regression ends with exit code 1",
             "'COMMAND {port}'", write=lambda text: text or None),
    )  # fmt: skip
    pids: tuple[str, ...] = option(
        (),
        Flag(SERVICE, "the process of a --url that runs on this machine, to see what it uses",
             "[NAME=]PID", "pid", texts, list, repeated=True),
    )  # fmt: skip
    vary: tuple[str, ...] = option(
        (),
        Flag(SERVICE, "what to start it with in turn, e.g. workers=1,2,4 for {workers} in its "
             "command; repeatable", "NAME=VALUE,...", read=texts, write=list, repeated=True),
    )  # fmt: skip
    requests: tuple[str, ...] = option(
        (),
        Flag(SERVICE, "what to send to it: /path, 'POST /path --body @file', or a curl command; "
             "repeatable", "REQUEST", "request", texts, list, repeated=True),
    )  # fmt: skip
    bystander: str = option(
        "",
        Flag(SERVICE, "a path that it answers at once, e.g. /health, to see whether it still "
             "responds", "PATH", write=lambda path: path or None),
    )  # fmt: skip
    size: tuple[str, ...] = option(
        (),
        Flag(MEASURE, "search the size that is enough: of threads, processes or workers, or of "
             "what --vary names", "OPTION,...", read=some_names, write=list, repeated=True),
    )  # fmt: skip
    start_s: float = option(
        START_S,
        Flag(SERVICE, "how long a service of your own may take to answer its first request",
             "TIME", "start-within", some_time,
             lambda seconds: None if seconds == START_S else duration_text(seconds), always),
    )  # fmt: skip
    beyond: Chosen = option(  # noqa: RUF009 - it returns a field
        {},
        Flag(MEASURE, f"trials beyond the capacity: {', '.join(KINDS)}, or none "
             "(default: with --full all but surge, else none)",
             "KIND[=TIME],...", read=beyond, resumes=no_less),
    )  # fmt: skip
    budget_s: float = option(
        0.0,
        Flag(PRECISION, "start no new round after this long (e.g. 30m); resume with --retry DIR",
             "TIME", "budget", some_time, lambda s: duration_text(s) if s else None, always),
    )  # fmt: skip
    prove: bool = option(
        False,
        Flag(MEASURE, "verify each cause: relieve only that resource, then another, and measure "
             "again, in turns",
             resumes=no_less),
    )  # fmt: skip
    autopsy: str = option(
        NAMED,
        Flag(MEASURE, "name the line of code that limits the cells of the answer (named, default), "
             "all, or none", "CELLS", read=examined,
             write=lambda cells: None if cells == NAMED else cells, resumes=always),
    )  # fmt: skip
    at_load: float = option(
        0.0,
        Flag(MEASURE, "also measure each model once at your load, in requests per second", "RATE",
             "load", number("load", "100", float, 1, MOST_LOAD),
             lambda rate: f"{rate:g}" if rate else None),
    )  # fmt: skip
    again: bool = option(
        False,
        Flag(MEASURE, "measure a row of each workload twice, under two names (--full does it)",
             name="a-a", resumes=always),
    )  # fmt: skip
    baseline: str = option(
        "",
        Flag(MEASURE, "the row that you have now, which the answer compares with (default: "
             f"{BASELINE}, if it is measured)", "ROW", write=lambda row: row or None,
             resumes=always),
    )  # fmt: skip
    need: tuple[str, ...] = option(
        (),
        Flag(MEASURE, "promises that a row must keep to be recommended, e.g. "
             "kills-late,survives-crash; `curl localhost:8080/` lists them", "PROMISE,...",
             read=promises, write=lambda kept: [hyphenated(name) for name in kept],
             resumes=always),
    )  # fmt: skip
    servers: ServerOptions = field(
        default_factory=ServerOptions, metadata={"load": ServerOptions.of}
    )
    generators: int = option(
        1,
        Flag(PRECISION, "processes that offer the load (default: 1)", "N",
             read=number("number of processes", "2", int, 1, MOST_GENERATORS),
             write=lambda count: count if count > 1 else None, resumes=always),
    )  # fmt: skip
    seed: int = option(
        1,
        Flag(PRECISION, "seed of the arrival schedule; same seed, same schedule", "N",
             read=number("seed", "1", int, 0, MOST_SEED)),
    )  # fmt: skip
    mode: str = option(
        "quick",
        Flag(PRECISION, choices={
            "quick": "about 13 s per cell, ratios to about ±6 to 10 %% (default)",
            "full": "up to 3 minutes per cell, ratios to about ±3 %%: for figures to publish"}),
    )  # fmt: skip
    scenario: str = "survival"
    load: str = "open"
    arrivals: Kind = "poisson"
    output: str = ""
    steps: int = 5
    spike: float = 4.0

    @classmethod
    def of(cls, parsed: Namespace) -> Self:
        """Return what Locust parsed: one word with all of it, or the fields of the form.

        An empty field leaves its default. Raises ValueError that names what is wrong.
        """
        if parsed.options:
            return cls.restore(json.loads(parsed.options))
        others = {
            "workloads": names(parsed.workloads),
            "models": names(parsed.models),
            **{name: getattr(parsed, name) for name in AS_GIVEN},
            "host": parsed.host if parsed.running_service else "",
            "servers": ServerOptions.load(parsed.servers),
            "steps": number("number of steps", "5", int)(parsed.steps),
            "spike": number("height of the spike", "4", float)(parsed.spike),
        }
        values = {
            item.name: flag.read(given)
            for name, item, flag in flagged(cls)
            if item.name not in others and (given := getattr(parsed, IN_FORM.get(name, name), ""))
        }
        return cls.choose(**{**values, **others})

    @classmethod
    def choose(cls, **values: Any) -> Self:
        """Return options with these fields; the mode decides what else is not given."""
        mode = values.get("mode", "quick")
        return cls(**{"beyond": chosen_kinds((), mode), "again": mode == "full", **values})

    @classmethod
    def restore(cls, given: Mapping[str, Any]) -> Self:
        """Return the options that `as_json` wrote; fields of later versions are left out."""
        return cls(**{
            item.name: item.metadata.get("load", frozen)(given[item.name])
            for item in fields(cls)
            if item.name in given
        })  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "slo": str(self.slo)}

    def dump(self) -> str:
        """Return one word, for the command line of the measuring process."""
        return json.dumps(self.as_json())

    def record(self) -> dict[str, Any]:
        """Return what the first line of a run file holds; folders are left out."""
        servers = self.servers if self.servers.modules else replace(self.servers, directory="")
        return replace(self, output="", servers=servers).as_json()

    @property
    def cells(self) -> list[tuple[str, str]]:
        return [(workload, model) for workload in self.workloads for model in self.models]

    @property
    def also(self) -> tuple[Slo, ...]:
        """Further percentiles of the objective, which a full run finds too."""
        others = [percentile for percentile in PERCENTILES if percentile != self.slo.percentile]
        return tuple(map(self.slo.at, others)) if self.mode == "full" else ()

    def words(self) -> dict[str, Any]:
        """Return the words of each flag, and None where the default applies."""
        words = {name: flag.write(getattr(self, item.name)) for name, item, flag in flagged(self)}
        words["beyond"] = written(self.beyond, self.mode)
        words["a-a"] = self.again and self.mode != "full"
        named = {located(workload, self.servers.folder) for workload in self.workloads}
        words["workloads"] += [module for module in self.servers.modules if module not in named]
        if self.services or self.urls:  # then those of ours are not measured
            words |= {"workloads": None, "models": None}
        pythons = [python.name for python in self.servers.pythons if python.name]
        return {**words, **self.servers.axes, "server_python": pythons}


def flagged(options: Options | type[Options]) -> Iterator[tuple[str, Field[Any], Flag]]:
    """List the fields that have a flag, by its name."""
    for item in fields(options):
        if flag := item.metadata.get("flag"):
            yield flag.name or item.name, item, flag


def request_of(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a line with the words of its options, as older run files have them."""
    if "options" not in line:
        return line
    options = Options.restore(line["options"])
    words = options.words()
    if "autopsy" not in line["options"]:  # that version had none, so its run is complete without
        del words["autopsy"]
    apart = {name: words.pop(name) for name in ("slo", "mode", "seed")}
    return {**line, **apart, "beyond_s": expected_s(options.beyond), "arguments": words}
