"""Measure a surge in a separate process: `python -m loadtests.run.surge.run REQUEST FOLDER`.

Each policy gets a fresh server and the same arrivals, so that only the policy differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from loadtests.errors import ServiceError, StartError, Untrustworthy
from loadtests.load.source import InProcess
from loadtests.machine.environment import environment
from loadtests.run.file.run_file import FILE_NAME, RunFile
from loadtests.run.options import parameters
from loadtests.run.surge.lines import SURGE, constants
from loadtests.run.surge.measure import Gauges, SurgeLoad, offer, probe
from loadtests.run.surge.phases import queue_within
from loadtests.run.surge.request import SurgeRequest, chosen_policies
from loadtests.service.contract import Discovery, discover, path_of
from loadtests.service.process import ServerProcess
from loadtests.service.warm_up import try_parameters, warmed_up
from loadtests.service.workload_modules import chosen
from loadtests.slo import Slo
from loadtests.system.signals import interruptible
from loadtests.trial.cell_load import CellLoad

INTERRUPTED = 130
BOUNDED = "bounded"  # the policy under which the capacity is probed


class SurgeRun:
    """One surge under several policies, written to `folder`."""

    def __init__(self, request: SurgeRequest, folder: Path) -> None:
        self._request = request
        self._slo = Slo.parse(request.slo)
        self._log = folder / "server.log"
        self._file = RunFile(folder / FILE_NAME)
        self._born = monotonic()
        self._workload, self._path = "", ""

    def run(self) -> int:
        """Measure all policies; return 0 done, 2 wrong usage, 3 no trustworthy result."""
        code, reason = INTERRUPTED, None
        try:
            capacity, target_s = self._probe()
            sound = [self._policy(name, capacity, target_s) for name in self._request.policies]
            code = 0 if all(sound) else 3
        except Untrustworthy as error:
            code, reason = 3, str(error)
        except (ServiceError, StartError) as error:
            code, reason = 2, str(error)
        finally:
            self._file.append("end", at=self._now(), exit=code, reason=reason)
            self._file.close()
        return code

    def _now(self) -> float:
        return round(monotonic() - self._born, 3)

    def _probe(self) -> tuple[float, float]:
        """Return the estimated capacity of the cell, and the response time its server aims for."""
        request = self._request
        axes = {name: value for name, value in request.servers.axes.items() if name != "queue"}
        with self._server({**axes, "admission": BOUNDED}) as url:
            discovery = discover(url)
            settings = self._choose(discovery)
            try_parameters(settings, discovery, url)
            self._begin(discovery)
            with closing(self._cell_load(url)) as cell_load:
                capacity = probe(cell_load, request.durations)
        target_s = float(discovery.runtime.get("target_s") or self._slo.bound_s)
        self._file.append("capacity", at=self._now(), capacity=capacity, target_s=target_s)
        return capacity, target_s

    def _choose(self, discovery: Discovery) -> dict[str, dict[str, str]]:
        """Check the request, and return its parameters. Raises ServiceError if it cannot run."""
        request = self._request
        names = chosen([request.workload], discovery, request.servers.folder)
        if len(names) != 1:
            raise ServiceError(f"a surge takes one workload, not {', '.join(names)}; name one")
        [self._workload] = names
        settings = parameters(request.parameters)
        if others := settings.keys() - {self._workload}:
            raise ServiceError(f"--param {others.pop()}.… has no effect on {self._workload}")
        discovery.check([(self._workload, request.model)], settings)
        if why := discovery.unavailable(self._workload, request.model):
            raise ServiceError(f"{self._workload}/{request.model} cannot run: {why}")
        self._request = replace(request, policies=chosen_policies(request.policies, discovery))
        self._path = path_of(self._workload, request.model, settings.get(self._workload))
        return settings

    def _begin(self, discovery: Discovery) -> None:
        request = self._request
        self._file.append(
            "run",
            mode=SURGE,
            started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            environment={**environment(), "server": dict(discovery.runtime)},
            command=request.command,
            seed=request.seed,
            workload=self._workload,
            model=request.model,
            policies=list(request.policies),
            slo=request.slo,
            durations=list(request.durations),
            constants=constants(self._slo),
        )

    def _policy(self, policy: str, capacity: float, target_s: float) -> bool:
        """Offer the surge under one policy; return whether its figures can be trusted."""
        axes, queue = {**self._request.servers.axes, "admission": policy}, None
        if policy == BOUNDED and "queue" not in axes:
            queue = queue_within(capacity, target_s)
            axes["queue"] = str(queue)
        self._file.append("policy-start", policy=policy, at=self._now())
        try:
            with self._server(axes) as url:
                figures = self._surge(url, capacity)
        except (Untrustworthy, StartError, ServiceError, OSError) as error:
            self._file.append("policy", policy=policy, at=self._now(), error=str(error))
            return False
        self._file.append("policy", policy=policy, at=self._now(), queue=queue, **figures)
        return not figures["flaws"]

    def _surge(self, url: str, capacity: float) -> dict[str, Any]:
        request = self._request
        load = SurgeLoad(capacity, request.durations, self._slo, request.seed)
        with closing(self._cell_load(url)) as cell_load:
            return offer(cell_load, Gauges(url, request.model), load)

    def _cell_load(self, url: str) -> CellLoad:
        request = warmed_up(url, self._path)
        cell = (self._workload, self._request.model)
        return CellLoad(url, cell, request, InProcess())

    @contextmanager
    def _server(self, axes: dict[str, str]) -> Iterator[str]:
        servers = replace(self._request.servers, axes=axes)
        arguments = ("--port", "0", "--models", self._request.model, *servers.arguments())
        with ServerProcess(arguments, self._log, directory=servers.directory) as subject:
            yield subject.url


def main(request: str, folder: str) -> int:
    interruptible()
    try:
        return SurgeRun(SurgeRequest.load(request), Path(folder)).run()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
