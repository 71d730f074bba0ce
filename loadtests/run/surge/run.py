"""Measure a surge: `python -m loadtests.run.surge.run ORDER FOLDER`, in a process of its own.

For each policy a fresh server, and the same arrivals: what differs is the policy alone.
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
from loadtests.load.schedule import patience_s
from loadtests.load.source import InProcess
from loadtests.load.spec import SETTLE_S
from loadtests.machine.environment import environment
from loadtests.run.beyond.recovery import HELD_S
from loadtests.run.file.run_file import FILE_NAME, RunFile
from loadtests.run.options import parameters
from loadtests.run.surge.gauges import Gauges
from loadtests.run.surge.lines import SURGE
from loadtests.run.surge.measure import SurgeLoad, offer, probe
from loadtests.run.surge.phases import PROBES, SHARES, queue_within
from loadtests.run.surge.request import SurgeRequest
from loadtests.service.contract import Discovery, discover, path_of
from loadtests.service.process import ServerProcess
from loadtests.service.warm_up import expected_answer, try_parameters
from loadtests.service.workload_modules import chosen
from loadtests.slo import Slo
from loadtests.system.signals import interruptible
from loadtests.trial.cell_load import CellLoad

INTERRUPTED = 130
BOUNDED = "bounded"  # the policy under which the capacity is probed


class Measuring:
    """One surge under several policies, written to `folder`."""

    def __init__(self, order: SurgeRequest, folder: Path) -> None:
        self._order = order
        self._slo = Slo.parse(order.slo)
        self._log = folder / "server.log"
        self._file = RunFile(folder / FILE_NAME)
        self._born = monotonic()
        self._workload, self._path = "", ""

    def run(self) -> int:
        """Measure all; returns 0 done, 2 usage, 3 no trustworthy result."""
        code, reason = INTERRUPTED, None
        try:
            capacity, target_s = self._probe()
            sound = [self._policy(name, capacity, target_s) for name in self._order.policies]
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
        """Estimate the capacity of the cell, and read within what time its server should answer."""
        order = self._order
        axes = {name: value for name, value in order.servers.axes.items() if name != "queue"}
        with self._server({**axes, "admission": BOUNDED}) as url:
            found = discover(url)
            settings = self._choose(found)
            try_parameters(settings, found, url)
            self._begin(found)
            with closing(self._hammer(url)) as hammer:
                capacity = probe(hammer, self._order.durations)
        target_s = float(found.runtime.get("target_s") or self._slo.bound_s)
        self._file.append("capacity", at=self._now(), capacity=capacity, target_s=target_s)
        return capacity, target_s

    def _choose(self, found: Discovery) -> dict[str, dict[str, str]]:
        """Check what is asked for; returns the parameters. Raises ServiceError if it cannot be."""
        order = self._order
        names = chosen([order.workload], found, order.servers.folder)
        if len(names) != 1:
            raise ServiceError(f"a surge takes one workload, not {', '.join(names)}; name one")
        [self._workload] = names
        settings = parameters(order.parameters)
        if others := settings.keys() - {self._workload}:
            raise ServiceError(f"--param {others.pop()}.… has no effect on {self._workload}")
        found.check([(self._workload, order.model)], settings)
        if why := found.unavailable(self._workload, order.model):
            raise ServiceError(f"{self._workload}/{order.model} cannot run: {why}")
        self._path = path_of(self._workload, order.model, settings.get(self._workload))
        return settings

    def _begin(self, found: Discovery) -> None:
        order = self._order
        self._file.append(
            "run",
            mode=SURGE,
            started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            environment={**environment(), "server": dict(found.runtime)},
            command=order.command,
            seed=order.seed,
            workload=self._workload,
            model=order.model,
            policies=list(order.policies),
            slo=order.slo,
            durations=list(order.durations),
            constants={
                "loads": list(SHARES),
                "settle_s": SETTLE_S,
                "patience_s": patience_s(self._slo),
                "held_s": HELD_S,
                "probes": PROBES,
            },
        )

    def _policy(self, policy: str, capacity: float, target_s: float) -> bool:
        """Offer the surge under one policy; tells whether its figures can be trusted."""
        axes, queue = {**self._order.servers.axes, "admission": policy}, None
        if policy == BOUNDED and "queue" not in axes:
            queue = queue_within(capacity, target_s)
            axes["queue"] = str(queue)
        self._file.append("policy-start", policy=policy, at=self._now())
        try:
            with self._server(axes) as url:
                said = self._surge(url, capacity)
        except (Untrustworthy, StartError, ServiceError, OSError) as error:
            self._file.append("policy", policy=policy, at=self._now(), error=str(error))
            return False
        self._file.append("policy", policy=policy, at=self._now(), queue=queue, **said)
        return not said["flaws"]

    def _surge(self, url: str, capacity: float) -> dict[str, Any]:
        order = self._order
        load = SurgeLoad(capacity, order.durations, self._slo, order.seed)
        with closing(self._hammer(url)) as hammer:
            return offer(hammer, Gauges(url, order.model), load)

    def _hammer(self, url: str) -> CellLoad:
        expected = expected_answer(url, self._path)
        cell = (self._workload, self._order.model)
        return CellLoad(url, cell, self._path, expected, InProcess())

    @contextmanager
    def _server(self, axes: dict[str, str]) -> Iterator[str]:
        servers = replace(self._order.servers, axes=axes)
        arguments = ("--port", "0", "--models", self._order.model, *servers.arguments())
        with ServerProcess(arguments, self._log, directory=servers.directory) as subject:
            yield subject.url


def main(order: str, folder: str) -> int:
    interruptible()
    try:
        return Measuring(SurgeRequest.load(order), Path(folder)).run()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
