"""Find the line of code that limits a cell: load it as when it failed, and sample its stacks.

The service is a fresh one, and nothing that is measured here counts: sampling slows it down.
"""

from __future__ import annotations

import linecache
from contextlib import closing
from dataclasses import asdict, replace
from random import Random
from typing import Any

import gevent

from loadtests.cause.guilty import THREADS, Kind, collapsed, decide, kind_of, named, relevant
from loadtests.cell import Cell
from loadtests.errors import NotSampled, ServiceError, StartError, Untrustworthy
from loadtests.load.schedule import Phase, patience_s
from loadtests.load.spec import SETTLE_S
from loadtests.run.file.lines import Line
from loadtests.run.survival.row import Tools
from loadtests.service.guest_launcher import AnyLauncher
from loadtests.service.launcher import RunningService
from loadtests.service.stacks import Stack, sample
from loadtests.service.warm_up import prepared
from loadtests.trial.cell_load import CellLoad

ABOVE = 1.15  # times the upper end of the capacity: no doubt that the cell fails there
SAMPLES_S = 3  # whole seconds, as py-spy counts
RESTS_S = (0.7, 5.0)  # until the sampler has begun; on a busy machine that takes longer
LONGEST = 80  # characters of a line of code
HOST = "the stacks of a running service are not sampled"
NO_PROCESS = "add --pid, if its process runs on this machine"
HOST_ADVICE = "leave --host out to have one started"
# The stacks of one interpreter are seen, the newest: it is not the one of the event loop.
UNSEEN = {("interpreter-pool", kind) for kind in ("held the GIL", "blocked the loop")}
OUT_OF_SIGHT = "py-spy sees one interpreter of a process, and not the one of the event loop"
OUT_OF_SIGHT_ADVICE = "measure process-pool too, which hands over the same work"
NO_SAMPLE = {
    "held the GIL": "no sample saw a thread that held the GIL",
    "blocked the loop": "no sample saw the event loop at work",
    "computed": "no sample saw a worker at work",
    "waited": "no sample saw a thread inside the workload; coroutines wait outside all stacks",
}


def autopsy(tools: Tools, services: AnyLauncher, cell: Cell, result: Line) -> dict[str, Any]:
    """Return the `guilty` line of a cell or why it is not known, and the `stacks` that were seen.

    `result` is the line of a cell whose failure has a cause.
    """
    if services.host:
        return {"guilty": {"reason": HOST, "advice": HOST_ADVICE}}
    value, _, high = result["interval"]
    rate = round(min(ABOVE * (high or value), tools.most), 2)
    kind = kind_of(result["blamed"])
    if (cell.model, kind) in UNSEEN:
        return {"guilty": {"reason": OUT_OF_SIGHT, "advice": OUT_OF_SIGHT_ADVICE}}
    folder = tools.options.servers.directory
    stacks: list[Stack] = []
    try:
        with services.start(cell.model, cell.variant) as service:
            for rest_s in RESTS_S:
                if not stacks:
                    stacks = relevant(kind, _sampled(tools, cell, service, rate, rest_s, kind))
    except NotSampled as error:
        why = {"reason": error.reason, "advice": error.advice or None}
        return {"guilty": {"rate": rate, **why}}
    except (Untrustworthy, StartError, ServiceError, OSError) as error:
        return {"guilty": {"rate": rate, "reason": " ".join(str(error).split())}}
    guilty = decide(kind, stacks, folder)
    if guilty is None:
        return {"guilty": {"rate": rate, "reason": NO_SAMPLE[kind]}}
    code = linecache.getline(guilty.file, guilty.line).strip()[:LONGEST]
    shown = replace(guilty, file=named(guilty.file, folder), code=code)
    return {"guilty": {"rate": rate, **asdict(shown)}, "stacks": collapsed(stacks, folder)}


def _sampled(  # noqa: PLR0913, PLR0917  # a cell, its load, and what to look for
    tools: Tools, cell: Cell, service: RunningService, rate: float, rest_s: float, kind: Kind
) -> list[Stack]:
    """Sample a service of ours while it gets more load than it sustains."""
    options = tools.options
    parameters = options.parameters.get(cell.workload)
    ready = prepared(service.url, cell[:2], service.discovery, parameters)
    phases = [Phase(rate, SAMPLES_S + rest_s)]
    rng = Random(f"{options.seed}/{cell}")  # noqa: S311 - a schedule
    tools.show(cell, rate)
    name, patience = (cell.workload, cell.row), patience_s(options.slo)
    if service.subject is None:
        raise NotSampled(HOST, NO_PROCESS)
    with closing(
        CellLoad(
            *(service.url, name, ready.request, tools.source, ready.bystander),
            insecure=ready.insecure,
        )
    ) as load:
        sampler = gevent.spawn_later(SETTLE_S, _attempt, service.subject.pid, THREADS[kind])
        try:
            load.passage(phases, options.slo, options.arrivals, rng, patience)
            stacks = sampler.get()
        finally:
            sampler.kill()
    if isinstance(stacks, NotSampled):
        raise stacks
    return stacks


def _attempt(pid: int, threads: tuple[str, ...]) -> list[Stack] | NotSampled:
    """Sample, and return an error as a value: a greenlet would print it."""
    try:
        return sample(pid, threads, SAMPLES_S)
    except NotSampled as error:
        return error
