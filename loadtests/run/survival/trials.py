"""The trials of one search: run, judged, repeated where they are not valid, and summed up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from random import Random
from time import monotonic
from typing import Any

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.calibration import Calibration
from loadtests.capacity.demands import Demands
from loadtests.cause.rules import diagnose
from loadtests.errors import Untrustworthy
from loadtests.load.spec import SETTLE_S
from loadtests.machine.disturbances import MachineState, disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.run.constants import CONSTANTS
from loadtests.run.options import Options
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
    """What all trials of a run share; `show` is given each rate before its trial."""

    options: Options
    sentinel: Sentinel
    show: Callable[[float], None]


class TrialRunner:
    """Measures one cell for a search; `tell` is given the line of the run file of every trial."""

    def __init__(  # noqa: PLR0913, PLR0917  # a service, how it is loaded and watched, and by whom
        self,
        tools: Tools,
        load: CellLoad,
        subject: ServerProcess | None,
        watch: ServiceWatch,
        calibration: Calibration,
        tell: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._tools = tools
        self._load = load
        self._subject = subject
        self._watch = watch
        self._demands = Demands.of(calibration.lone, calibration.crowd)
        self._on_loop = calibration.crowd.on_loop
        self._tell = tell
        self._count = self._discarded = 0
        self._valid: list[Mapping[str, Any]] = []

    def measure(self, rate: float, duration_s: float) -> Verdict:
        """Run one valid trial. Raises Untrustworthy if none of the attempts is valid."""
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
        before_s = self._watch.begin()
        self._tools.sentinel.begin()
        trial = self._load.trial(
            rate, duration_s, options.slo, options.arrivals, rng,
            also=options.also, over=self._watch.end,
        )  # fmt: skip
        own_s = self._watch.spent_s(0.0 if self._alone else trial.generators_s)
        machine = self._tools.sentinel.end(own_s)
        after = self._subject.usage() if self._subject else None
        trial = replace(trial, disturbances=disturbances(machine))
        verdict = judge(trial, options.slo)
        shown = self._evidence(trial, machine)
        cpu = None
        if before_s is not None and after:
            cpu = 1e3 * (after.cpu_s - before_s) / (rate * (trial.duration_s + SETTLE_S))
        # Even if the trial is not valid: what spoiled it is worth knowing.
        cause = None if verdict.held else asdict(diagnose(shown, self._demands))
        record = {
            **trial.to_json(),
            "work": {**asdict(trial.work), "loss_ratio": trial.work.loss_ratio},
            "bystander": {**asdict(trial.bystander), "loss_ratio": trial.bystander.loss_ratio},
            "valid": verdict.valid,
            "held": verdict.held,
            "broke_by": verdict.broke_by,
            "reasons": list(verdict.reasons),
            "cause": cause,
            "evidence": asdict(shown),
            "machine": machine.to_json(),
            "cpu_ms_per_request": cpu,
            "pss_mib": after.pss_mib if after else None,
            "elapsed_s": round(monotonic() - begun, 3),
        }
        if verdict.valid:
            self._valid.append(record)
        self._tell(record)
        return verdict

    def report(self, capacity: Capacity) -> dict[str, Any]:
        """Return the capacity as plain data, with what the cell cost there and what limited it."""
        held = [trial for trial in self._valid if trial["held"] and trial["rate"] <= capacity.held]
        best = max(held, key=itemgetter("rate"), default=None)
        beyond = (t for t in self._valid if not t["held"] and t["rate"] > capacity.held)
        # The longest trial at the lowest rate that broke: it saw most of what ran out first.
        first = min(beyond, key=lambda trial: (trial["rate"], -trial["duration_s"]), default=None)
        # Where the generator was the limit, the search knows of no break, but a trial may.
        broke = capacity.broke or (first["rate"] if first else None)
        return {
            "trials": self._count,
            "discarded": self._discarded,
            "held": round(capacity.held, 2),
            "broke": None if broke is None else round(broke, 2),
            "complete": capacity.complete,
            "goals": {str(slo): [goal.held, goal.broke] for slo, goal in capacity.others.items()},
            "tried": list(map(list, capacity.trials)),
            "bystander_p99_ms": best["bystander"]["p99_ms"] if best else None,
            "cpu_ms_per_request": best["cpu_ms_per_request"] if best else None,
            "pss_mib": best["pss_mib"] if best else None,
            "peak_goodput": max((trial["work"]["goodput"] for trial in held), default=None),
            "broke_by": first["broke_by"] if first else None,
            "cause": first["cause"]["name"] if first else None,
            "cause_evidence": first["cause"] if first else None,
            "evidence": first["evidence"] if first else None,
        }

    def _evidence(self, trial: Trial, machine: MachineState) -> Evidence:
        """Collect what is known of one load."""
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
            on_loop=self._on_loop,
            generator_busy=trial.generator_cpu,
            typical=trial.where.typical,
            late=trial.where.late,
            other_cores=machine.others_cores,
            memory_pressure=machine.memory_pressure,
        )
        whole = evidence(self._watch.activity(), load)
        if self._alone:
            return whole
        others = trial.generators_s / (trial.duration_s + SETTLE_S)
        return replace(whole, generator_cores=whole.generator_cores + others)

    @property
    def _alone(self) -> bool:
        """Whether this process offers the load by itself."""
        return self._load.processes == 1
