"""A cell on a service of its own: what a request costs there, and trials of it for rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from random import Random
from statistics import median
from time import monotonic
from typing import Any

from loadtests.capacity.calibration import Calibration, calibrate
from loadtests.capacity.climb import Outside
from loadtests.capacity.demands import Cost, Demands, Supply, limits
from loadtests.capacity.estimate import Contender
from loadtests.capacity.outside import from_outside
from loadtests.capacity.prediction import Prediction, predict
from loadtests.capacity.queueing import Queue
from loadtests.capacity.rounds import Offer
from loadtests.capacity.stretch import Sample, curve, enough_lost, most_lost
from loadtests.cause.rules import diagnose
from loadtests.cell import Cell
from loadtests.load.source import Source
from loadtests.machine.disturbances import MachineState, disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.run.options import Options
from loadtests.run.survival.findings import limited, observed, unsteady, with_generators
from loadtests.run.survival.played import DIGITS, queue_line, stored
from loadtests.service.contract import Discovery
from loadtests.service.launcher import RunningService
from loadtests.service.warm_up import Prepared, prepared
from loadtests.service.watch import ServiceWatch
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.evidence import Evidence
from loadtests.trial.trial import Trial
from loadtests.trial.verdict import flaws, judge

ALIKE = 1.3  # times as slow or fast as its resource promises: a row has a stretch of its own
LADDERS = 3  # the most that are climbed until one is undisturbed
SHAPE = 200  # service times that are kept of those that were measured
BOUNDS = ("minimum", "maximum", "choices", "models")  # of an option, which a proof looks at

Tell = Callable[[str, Mapping[str, Any]], None]  # the kind of a line of the run file, its fields


@dataclass(frozen=True, slots=True)
class Tools:
    """What all trials of a run share.

    `most` is the rate that the generator can offer, `show` is given each cell and rate before its
    trial.
    """

    options: Options
    sentinel: Sentinel
    source: Source
    most: float
    show: Callable[[Cell, float], None]


class Row:
    """One cell, its service, and the trials that it had; use it in a `with` block.

    `name` is that of the row in its rounds: its label, with the word `again` if it is measured once
    more under another name.
    Raises Untrustworthy for a cell that does not answer.
    """

    def __init__(  # noqa: PLR0913 - a cell, where it runs, and how its trials are run
        self,
        tools: Tools,
        cell: Cell,
        service: RunningService,
        tell: Tell,
        *,
        before: Sequence[Mapping[str, Any]] = (),
        again: str = "",
    ) -> None:
        """Begin, or go on after the trials `before`."""
        self.cell = cell
        self.name = f"{cell.row} ({again})" if again else cell.row
        self._tools = tools
        self._subject = service.subject
        self._discovery = discovery = service.discovery
        self.again = bool(again)
        self._tell = tell
        self._count = len(before)
        self._valid = [trial for trial in before if trial["valid"]]
        self.flaw = ""  # of its last void trial
        options, url = tools.options, service.url
        ready = prepared(url, cell[:2], discovery, options.parameters.get(cell.workload))
        with ExitStack() as opened:
            self._load = CellLoad(
                *(url, (cell.workload, cell.row), ready.request, tools.source, ready.bystander),
                insecure=ready.insecure,
            )
            opened.enter_context(closing(self._load))
            self._watch = ServiceWatch(url, cell.model, service.subject, reports=not ready.outside)
            opened.enter_context(closing(self._watch))
            self._calibration = self._calibrated(url, ready)
            self._open = opened.pop_all()
        self._demands = Demands.of(self._calibration.lone, self._calibration.crowd)
        slo = _stricter(options.slo, cell.model, discovery)
        promises = _answered_within_s(cell.model, discovery) is not None
        self._refuses_over_s = discovery.runtime.get("target_s") if promises else None
        self._supply = Supply.of(self._calibration.crowd)
        self.prediction: Prediction | None = predict(
            self._demands, self._supply, self._calibration.runs, slo, refuses=slo is not options.slo
        )
        self._slower = self._calibration.slower(self.prediction.ceiling) if self.prediction else 1.0
        self._cost = self._costs().times(self._slower)
        self.demand_s = self._cost.at(None)
        self.contender = self._contender(slo)
        if not again:
            tell("prediction", self._foreseen())

    def _calibrated(self, url: str, ready: Prepared) -> Calibration:
        bound_s = self._tools.options.slo.bound_s
        if not ready.outside:
            return calibrate(url, ready.request, self._watch, bound_s)
        outside, sentinel = Outside(self._subject, ready.bystander), self._tools.sentinel
        for _ in range(LADDERS):  # what else runs on the machine looks like a limit
            self._watch.begin()
            sentinel.begin()
            climbed = from_outside(url, ready.request, outside, bound_s, insecure=ready.insecure)
            if not disturbances(sentinel.end(self._watch.spent_s())):
                break
        return climbed

    def _contender(self, slo: Slo) -> Contender:
        """Describe its queue; without a known resource, a server that answers as it did."""
        expected = self.prediction
        if expected is None:
            return Contender(self.name, Queue(1, slo.bound_s), self.name, self._cost)
        kept = expected.queue.shape[:SHAPE]
        queue = replace(expected.queue, shape=tuple(round(time, DIGITS) for time in kept))
        group = expected.binding if 1 / ALIKE < self._slower < ALIKE else self.name
        return Contender(self.name, queue, group, self._cost)

    def _costs(self) -> Cost:
        expected, crowd = self.prediction, self._calibration.crowd
        if expected is None:
            return Cost(1 / crowd.completed if crowd.completed else 1.0, 0.0)
        return Cost.of(self._demands, expected.binding, expected.service_s, on_loop=crowd.on_loop)

    def _foreseen(self) -> dict[str, Any]:
        """Return the line before the rounds: demands, what is expected, and its queue."""
        return {
            "demands": asdict(self._demands),
            "room": asdict(self._supply),
            **self._expected(),
            "saturation": round(self._calibration.crowd.completed, 2),
            "queue": queue_line(self.contender),
        }

    def _expected(self) -> dict[str, Any]:
        """Return all limits, the lowest first, and what follows from them."""
        expected = self.prediction
        return {
            "limits": {limit.name: limit.rate for limit in limits(self._demands, self._supply)},
            "ceiling": expected and expected.ceiling,
            "binding": expected and expected.binding,
            "predicted": expected and expected.capacity,
        }

    def cpu_s(self) -> float:
        """CPU seconds of its service so far; 0 if that is not ours."""
        return self._watch.cpu_s()

    def trial(
        self, offer: Offer, number: int, others: Iterable[Row], *, load: bool = False
    ) -> tuple[Sample | None, bool]:
        """Run one trial of the round of this number, with the arrivals of its whole round.

        `others` have services that are idle meanwhile. Returns what a valid trial tells, and
        whether the generator spoiled it by itself. One at the user's `load` counts for no estimate.
        """
        options, begun = self._tools.options, monotonic()
        slo, idle = options.slo, [*others]
        self._count += not load
        self._tools.show(self.cell, offer.rate)
        rng = Random(f"{options.seed}/{self.cell.workload}/{number}")  # noqa: S311 - a schedule
        spec = self._load.spec(
            offer.rate,
            offer.trial,
            slo,
            options.arrivals,
            rng.getrandbits(63),
            enough_lost(slo.loss_ratio),
        )
        idle_s = sum(row.cpu_s() for row in idle)
        before_s = self._watch.begin()
        self._tools.sentinel.begin()
        trial = self._load.trial(spec, self._watch.end)
        own_s = self._watch.spent_s(0.0 if self._alone else trial.generators_s)
        if own_s is not None:
            own_s += sum(row.cpu_s() for row in idle) - idle_s
        machine = self._tools.sentinel.end(own_s)
        after = self._subject.usage() if self._subject else None
        late = any(flaws(trial.work, trial.bystander, trial.generator_cpu, slo))
        trial = replace(trial, disturbances=disturbances(machine, late=late))
        verdict = judge(trial, slo)
        cpu_s = None
        if before_s is not None and after and trial.completed:
            cpu_s = (after.cpu_s - before_s) / trial.completed
        sample = self._sample(trial, spec.draw()[0], cpu_s) if verdict.valid else None
        shown = self._evidence(trial, machine)
        record = {
            **trial.to_json(),
            "again": self.again,
            "load": load,
            "round": number,
            "work": {**asdict(trial.work), "loss_ratio": trial.work.loss_ratio},
            "bystander": {**asdict(trial.bystander), "loss_ratio": trial.bystander.loss_ratio},
            "valid": verdict.valid,
            "held": verdict.held,
            "broke_by": verdict.broke_by,
            "reasons": list(verdict.reasons),
            # Even if the trial is not valid: what spoiled it is worth knowing.
            "cause": None if verdict.held else self._diagnosed(shown),
            "evidence": asdict(shown),
            "machine": machine.to_json(),
            "cpu_ms_per_request": None if cpu_s is None else 1e3 * cpu_s,
            "pss_mib": after.pss_mib if after else None,
            "sample": None if load or not sample else stored(sample),
            "elapsed_s": round(monotonic() - begun, 3),
        }
        if verdict.valid and not load:
            self._valid.append(record)
        elif not load:
            self.flaw = f"void at {offer.rate:.0f} req/s: {verdict.reasons[0]}"
        self._tell("trial", record)
        return sample, late and not trial.disturbances

    def _sample(self, trial: Trial, arrivals: Any, cpu_s: float | None) -> Sample:
        """Simulate a trial with its own arrivals and demand, beside what it really lost."""
        loss_ratio = self._tools.options.slo.loss_ratio
        planned = len(arrivals.measured)
        most = most_lost(planned, loss_ratio)
        lost = max(trial.work.lost, trial.bystander.loss_ratio * planned)
        lost = most if trial.short else min(lost, most)
        demand_s = self._cost.at(cpu_s)
        losses = curve(
            self.contender.queue,
            [*arrivals.settling, *arrivals.measured],
            demand_s,
            most,
            (trial.rate, self._count),
        )
        guessed = cpu_s is None and self._cost.whole_s is not None  # nothing was completed
        return Sample(self.name, None if guessed else demand_s, lost, most, losses, cpu_s)

    def report(self) -> dict[str, Any]:
        """Return what its trials showed beside its capacity: costs, and what limited it."""
        held = [trial for trial in self._valid if trial["held"]]
        best = max(held, key=itemgetter("rate"), default=None)
        last = best or (self._valid[-1] if self._valid else None)
        costs = [cost for trial in self._valid if (cost := trial["cpu_ms_per_request"])]
        return {
            "trials": self._count,
            "discarded": self._count - len(self._valid),
            "cpu_share": self._cost.cpu_share,
            "bystander_p99_ms": best["bystander"]["p99_ms"] if best else None,
            "cpu_ms_per_request": median(costs) if costs else None,
            "pss_mib": last["pss_mib"] if last else None,
            "peak_goodput": max((trial["work"]["goodput"] for trial in held), default=None),
            "unsteady": unsteady(self._valid),
            **limited(self._valid),
            **self._expected(),
            "settings": _settings(self.cell, self._discovery),
        }

    @property
    def warnings(self) -> list[str]:
        """Those of its service about itself."""
        return self._discovery.warnings

    @property
    def lowest_failed(self) -> float | None:
        """The lowest rate of a failed trial."""
        return min((trial["rate"] for trial in self._valid if not trial["held"]), default=None)

    def _evidence(self, trial: Trial, machine: MachineState) -> Evidence:
        """Collect what is known of one load."""
        activity, slo = self._watch.activity(), self._tools.options.slo
        known = observed(trial, machine, activity, self._calibration, slo, self._refuses_over_s)
        return known if self._alone else with_generators(known, trial)

    def _diagnosed(self, shown: Evidence) -> dict[str, Any]:
        return asdict(diagnose(shown, self._demands, self._calibration.runs))

    @property
    def _alone(self) -> bool:
        """Whether this process offers the load by itself."""
        return self._load.processes == 1

    def close(self) -> None:
        self._open.close()


def _settings(cell: Cell, discovery: Discovery) -> dict[str, Any]:
    """What the service was started with, and the defaults of the workload's parameters."""
    parameters = discovery.workloads[cell.workload].get("parameters")
    described = {
        name: parameter
        for name, parameter in (parameters.items() if isinstance(parameters, Mapping) else ())
        if isinstance(parameter, Mapping)
    }
    return {
        **discovery.runtime,
        "defaults": {name: known.get("default") for name, known in described.items()},
        "units": {name: known.get("unit") for name, known in described.items()},
        "options": {
            name: {bound: option.get(bound) for bound in BOUNDS}
            for name, option in discovery.options.items()
        },
        "sized_by": (discovery.models.get(cell.model) or {}).get("sized_by"),
    }


def _stricter(slo: Slo, model: str, discovery: Discovery) -> Slo:
    """Return the objective that the service itself holds requests to, if it is the stricter one.

    Most admission policies refuse a request that would not be answered within some time. Models
    that cannot bound their queue have no admission.
    """
    within_s = _answered_within_s(model, discovery)
    if within_s is None:
        return slo
    stricter = replace(slo, bound_s=within_s)
    return stricter if stricter.bound_s < slo.bound_s else slo


def _answered_within_s(model: str, discovery: Discovery) -> float | None:
    """Return the time within which admission wants answers; None where it looks at none."""
    within_s = discovery.runtime.get("answered_within_s")
    promises = (discovery.models.get(model) or {}).get("promises") or {}
    return float(within_s) if within_s and promises.get("bounded", True) else None
