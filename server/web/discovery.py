"""What `GET /` says of the service: models, workloads with their parameters, and the runtime."""

from __future__ import annotations

import platform
import sys
import sysconfig
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from server.catalogue.parameters import Parameters
from server.models.base import Promises
from server.models.selection import load
from server.settings import Settings, cores
from server.web.caveats import caveats
from server.workloads.registry import Workload

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
) -> dict[str, Any]:
    """Describe the service.

    `absent` tells for each model why it is not started, or None; `impossible` for each cell of
    the others why it cannot run, or None.
    """
    base = f"http://{settings.host}:{settings.port}"

    def describe(name: str, one: Workload) -> dict[str, Any]:
        reasons = {model: impossible[name, model] for model, why in absent.items() if not why}
        return {
            "kind": one.kind,
            "stages": [kind for kind, _ in one.stages],
            "doc": one.doc,
            "source": one.source,
            "parameters": parameters[name].describe(),
            "models": [model for model, why in reasons.items() if not why],
            "impossible": {model: why for model, why in reasons.items() if why},
            "curl": f"curl '{base}/{name}{_example(parameters[name])}'",
        }

    return {
        "service": "loadbearing",
        "models": {
            name: _model(name, why, unbounded=settings.admission == "unbounded")
            for name, why in absent.items()
        },
        "workloads": {name: describe(name, one) for name, one in workloads.items()},
        "runtime": runtime(settings),
    }


def runtime(settings: Settings) -> dict[str, Any]:
    """Name everything of this process that a measurement depends on."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "gil": gil(),
        "free_threaded_build": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "loop": settings.loop,
        "cores": cores(),
        "threads": settings.threads,
        "processes": settings.processes,
        "start_method": settings.start_method,
        "workers": settings.workers,
        "loops": settings.loops,
        "admission": settings.admission,
        "target_s": settings.target,
        "queue": settings.queue,
        "deadline_s": settings.deadline,
        "switch_interval_s": settings.switch_interval,
        "packages": {name: version(name) for name in ("aiohttp", "uvloop")},
        "warnings": caveats(settings),
    }


def _model(name: str, why: str | None, *, unbounded: bool) -> dict[str, Any]:
    kind = load(name)
    promises = kind.promises | WITHOUT_BOUND if unbounded else kind.promises
    return {
        "available": why is None,
        "why": why,
        "doc": kind.doc,
        "promises": promises.kept(),
        "cannot": dict(promises.cannot),
    }


def _example(parameters: Parameters) -> str:
    first = next(iter(parameters.all.values()), None)
    return f"?{first.query()}" if first else ""
