"""What `GET /` says of the service: models, workloads with their parameters, options, runtime."""

from __future__ import annotations

import platform
import resource
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from server.admission import policies
from server.catalogue.parameters import Parameters
from server.cores import cores
from server.models.base import Model, Promises
from server.models.selection import load
from server.settings import GROUPS, VARIABLE, Settings
from server.tables import MODELS
from server.web import answers
from server.workloads.registry import Workload

FEW_DESCRIPTORS = 1024  # what most systems allow
WITHOUT_BOUND = Promises(
    dict.fromkeys(
        ("bounded", "expires_queued", "kills_late", "cancels_queued", "kills_abandoned"),
        "the server was started with --admission unbounded",
    )
)


def discover(
    settings: Settings,
    workloads: Mapping[str, Workload],
    parameters: Mapping[str, Parameters],
    absent: Mapping[str, str | None],
    impossible: Mapping[tuple[str, str], str | None],
) -> answers.Discovery:
    """Describe the service.

    `absent` has for each model the reason why it is not started, or None; `impossible` for each
    cell of the others the reason why it cannot run, or None.
    """

    def describe(name: str, workload: Workload) -> answers.Workload:
        reasons = {model: impossible[name, model] for model, why in absent.items() if not why}
        return answers.Workload(
            kind=workload.kind,
            stages=[kind for kind, _ in workload.stages],
            doc=workload.doc,
            source=workload.source,
            parameters={
                key: answers.Parameter(**described)
                for key, described in parameters[name].describe().items()
            },
            models=[model for model, why in reasons.items() if not why],
            impossible={model: why for model, why in reasons.items() if why},
            curl=f"curl '{settings.url}/{name}{_example(parameters[name])}'",
        )

    return answers.Discovery(
        service="loadbearing",
        models={
            name: _model(name, why, unbounded=settings.admission == "unbounded")
            for name, why in absent.items()
        },
        workloads={name: describe(name, workload) for name, workload in workloads.items()},
        options=options(),
        runtime=runtime(settings),
    )


def runtime(settings: Settings) -> answers.Runtime:
    """Describe everything of this process that a measurement depends on."""
    return answers.Runtime(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        gil=_gil(),
        free_threaded_build=_free_threaded(),
        loop=settings.loop,
        cores=cores(),
        threads=settings.threads,
        processes=settings.processes,
        start_method=settings.start_method,
        workers=settings.workers,
        loops=settings.loops,
        admission=settings.admission,
        target_s=settings.target,
        answered_within_s=policies.load(settings.admission).answered_within(settings.target),
        queue=settings.queue,
        deadline_s=settings.deadline,
        switch_interval_s=settings.switch_interval,
        packages={name: version(name) for name in ("aiohttp", "uvloop")},
        warnings=list(caveats(settings)),
    )


def caveats(settings: Settings) -> Iterator[str]:
    """Warn about everything in how this server was started that makes its figures worth less."""
    if _free_threaded() and _gil():
        yield (
            "the GIL is on although this Python is free-threaded: PYTHON_GIL or an extension "
            "module turned it on (Python's warning on standard error names the module)"
        )
    if _gil() and settings.loops > 1:
        yield (
            f"{settings.loops} event loops share one GIL and take turns: more than one only helps "
            "on a free-threaded Python (3.13t, 3.14t); on others, use --workers"
        )
    if settings.start_method == "fork":
        yield (
            "worker processes are forked from a process with threads: a lock that one of these "
            "held stays locked in the child for ever (python/cpython#105464); forkserver is safe"
        )
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= descriptors < FEW_DESCRIPTORS:
        yield (
            f"ulimit -n {descriptors} leaves fewer than {descriptors} connections at a time, and "
            f"all others wait; allow at least {FEW_DESCRIPTORS}"
        )
    if settings.admission == "unbounded":
        yield (
            "--admission unbounded has no bound and no deadline, and does not notice clients that "
            "hang up: it shows what servers without these do under overload"
        )


def _gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def _free_threaded() -> bool:
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def options() -> dict[str, answers.Option]:
    """Describe the options that can be varied, with the bounds that the server holds them to."""
    schemas = Settings.model_json_schema()["properties"]
    return {name: _option(name, schemas[name]) for name in VARIABLE}


def _option(name: str, schema: Mapping[str, Any]) -> answers.Option:
    kinds = [kind["type"] for kind in schema.get("anyOf", [schema])]  # a type, or that or null
    return answers.Option(
        doc=schema["description"],
        type=kinds[0],
        default=schema["default"],
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        choices=schema.get("enum"),
        models=_affected(name),
    )


def _affected(option: str) -> list[str] | None:
    """List the models that an option affects; None if it affects all."""
    tests: dict[str, Callable[[type[Model]], bool]] = {
        # Only where work computes in threads beside the event loop does a GIL change hands.
        **dict.fromkeys(("threads", "switch_interval"), lambda kind: kind.sized_by == "threads"),
        "processes": lambda kind: kind.sized_by == "processes",
        "start_method": lambda kind: kind.starts_processes,
        "dask": lambda kind: kind is load("dask"),
        **dict.fromkeys(GROUPS["overload"], lambda kind: "bounded" not in kind.promises.cannot),
    }
    test = tests.get(option)
    return test and [name for name in MODELS if any(map(test, _parts(load(name))))]


def _parts(kind: type[Model]) -> Iterator[type[Model]]:
    """Yield a model, and those that it is made of."""
    yield kind
    for name in kind.needs:
        yield from _parts(load(name))


def _model(name: str, why: str | None, *, unbounded: bool) -> answers.Model:
    kind = load(name)
    promises = kind.promises | WITHOUT_BOUND if unbounded else kind.promises
    return answers.Model(
        available=why is None,
        why=why,
        doc=kind.doc,
        sized_by=kind.sized_by,
        promises=promises.kept(),
        cannot=dict(promises.cannot),
    )


def _example(parameters: Parameters) -> str:
    first = next(iter(parameters.all.values()), None)
    return f"?{first.query()}" if first else ""
