"""The trials of one cell: run, judged, repeated where they prove nothing, and remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from random import Random
from time import monotonic
from typing import Any

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.demands import Demands
from loadtests.cause.rules import diagnose
from loadtests.errors import Untrustworthy
from loadtests.load.spec import SETTLE_S
from loadtests.machine.disturbances import MachineState, disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.run.constants import CONSTANTS
from loadtests.run.options import Options
from loadtests.run.survival.findings import Broke, Held, report
from loadtests.service.process import ServerProcess
from loadtests.service.watch import ServiceWatch, evidence
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.evidence import Evidence
from loadtests.trial.tally import LOSSES
from loadtests.trial.trial import Trial
from loadtests.trial.verdict import Verdict, judge

TRIES = CONSTANTS.tries


@dataclass(frozen=True, slots=True)
class Tools:
    """What all trials of a run have in common; `show` is told each rate before its trial."""

    options: Options
    sentinel: Sentinel
    show: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Costs:
    """What one request of a cell takes, and whether its work runs on the event loop's thread."""

    demands: Demands = field(default_factory=Demands)
    on_loop: bool = False


class TrialRunner:
    """Measures one cell for the search; `tell` is given every trial as plain data.

    `costs` are what one of its requests takes, and where.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # a service, how it is hit and watched, and by whom
        self,
        tools: Tools,
        hammer: CellLoad,
        subject: ServerProcess | None,
        signs: ServiceWatch,
        costs: Costs,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._tools = tools
        self._hammer = hammer
        self._subject = subject
        self._signs = signs
        self._costs = costs
        self._tell = tell
        self._count = self._discarded = 0
        self._broke: list[Broke] = []
        self.held: list[Held] = []

    def measure(self, rate: float, duration_s: float) -> Verdict:
        """Run one valid trial. Raises Untrustworthy when none can be had."""
        for _ in range(TRIES):
            verdict = self.once(rate, duration_s)
            if verdict.valid:
                return verdict
            self._discarded += 1
        reason = f"no valid trial in {TRIES} attempts at {rate:.0f} req/s: {verdict.reasons[0]}"
        raise Untrustworthy(reason, rate)

    def once(self, rate: float, duration_s: float) -> Verdict:
        """Run one trial, valid or not."""
        options, begun = self._tools.options, monotonic()
        self._count += 1
        self._tools.show(rate)
        rng = Random(f"{options.seed}/{rate}/{self._count}")  # noqa: S311 - a schedule, no secret
        before_s = self._signs.begin()
        self._tools.sentinel.begin()
        trial = self._hammer.trial(
            rate, duration_s, options.slo, options.arrivals, rng,
            also=options.also, over=self._signs.end,
        )  # fmt: skip
        own_s = self._signs.spent_s(0.0 if self._alone else trial.generators_s)
        machine = self._tools.sentinel.end(own_s)
        after = self._subject.usage() if self._subject else None
        trial = replace(trial, disturbances=disturbances(machine))
        verdict = judge(trial, options.slo)
        seen = self._seen(trial, machine)
        cpu = cause = None
        if before_s is not None and after:
            cpu = 1e3 * (after.cpu_s - before_s) / (rate * (trial.duration_s + SETTLE_S))
        if not verdict.held:  # even if void: what spoiled it is worth knowing
            cause = diagnose(seen, self._costs.demands)
        if cause and verdict.valid:
            self._broke.append(Broke(trial, seen, verdict.broke_by, cause))
        if verdict.held:
            self.held.append(Held(trial, cpu, after.pss_mib if after else None))
        self._tell(
            {
                **_plain(trial),
                "valid": verdict.valid,
                "held": verdict.held,
                "broke_by": verdict.broke_by,
                "reasons": list(verdict.reasons),
                "cause": cause and asdict(cause),
                "evidence": asdict(seen),
                "machine": machine.to_json(),
                "cpu_ms_per_request": cpu,
                "pss_mib": after.pss_mib if after else None,
                "elapsed_s": round(monotonic() - begun, 3),
            }
        )
        return verdict

    def _seen(self, trial: Trial, machine: MachineState) -> Evidence:
        """Put together what is known of one load."""
        work, bystander = trial.work, trial.bystander
        load = Evidence(
            rate=trial.rate,
            duration_s=trial.duration_s,
            bound_s=self._tools.options.slo.bound_s,
            scheduled=work.scheduled,
            completed=trial.where.completed,
            losses={kind: count for kind in LOSSES if (count := getattr(work, kind))},
            errors=trial.where.errors,
            bystander_loss=bystander.loss_ratio,
            bystander_p99_s=None if bystander.p99_ms is None else bystander.p99_ms / 1e3,
            backlog_grows=trial.backlog.grows,
            on_loop=self._costs.on_loop,
            generator_busy=trial.generator_cpu,
            typical=trial.where.typical,
            late=trial.where.late,
            other_cores=machine.others_cores,
            memory_pressure=machine.memory_pressure,
        )
        seen = evidence(self._signs.activity(), load)
        if self._alone:
            return seen
        others = trial.generators_s / (trial.duration_s + SETTLE_S)
        return replace(seen, generator_cores=seen.generator_cores + others)

    @property
    def _alone(self) -> bool:
        """Whether this process offers the load by itself."""
        return self._hammer.processes == 1

    def report(self, found: Capacity) -> dict[str, Any]:
        """What to say of the cell beside its capacity."""
        counts = {"trials": self._count, "discarded": self._discarded}
        return {**counts, **report(found, self.held, self._broke)}


def _plain(trial: Trial) -> dict[str, Any]:
    said = trial.to_json()
    for side, counted in (("work", trial.work), ("bystander", trial.bystander)):
        said[side]["loss_ratio"] = counted.loss_ratio
    return {name: value for name, value in said.items() if name not in {"workload", "model"}}
