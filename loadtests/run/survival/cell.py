"""Measure one cell on one server: the cost of a request, the estimate, and the capacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from time import monotonic
from typing import Any

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.calibration import Calibration, calibrate
from loadtests.capacity.demands import Demands, Supply, limits
from loadtests.capacity.goals import FULL, QUICK
from loadtests.capacity.prediction import predict
from loadtests.capacity.search import search
from loadtests.cell import Cell
from loadtests.errors import Untrustworthy
from loadtests.load.source import Source
from loadtests.run.survival.trials import Tools, TrialRunner
from loadtests.service.contract import Discovery, path_of
from loadtests.service.launcher import RunningService
from loadtests.service.warm_up import expected_answer
from loadtests.service.watch import ServiceWatch
from loadtests.slo import FLOOR, Slo
from loadtests.trial.cell_load import CellLoad

RETREATS = 2
LESS = 0.75  # of a rate at which no trial was valid: the next limit to try
BOUNDS = ("minimum", "maximum", "choices", "models")  # of an option, which a proof looks at

Tell = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class CellSearch:
    """Finds the capacity of cells; `most` is the rate that the generator can offer.

    `tell` is given the kinds and fields of lines of the run file: a prediction before each
    search, and every trial.
    """

    tools: Tools
    most: float
    source: Source

    def measure(
        self, cell: Cell, service: RunningService, discovery: Discovery, tell: Tell
    ) -> dict[str, Any]:
        """Search the capacity of a cell on this service. Raises Untrustworthy if it has none."""
        options, url = self.tools.options, service.url
        path = path_of(cell.workload, cell.model, options.parameters.get(cell.workload))
        expected = expected_answer(url, path)
        load = CellLoad(url, (cell.workload, cell.row), path, expected, self.source)
        watch = ServiceWatch(url, cell.model, service.subject)
        with closing(load), closing(watch):
            calibration = calibrate(
                url, path, lambda body: expected in body, watch, options.slo.bound_s
            )
            foreseen = _foresee(calibration, _stricter(options.slo, cell.model, discovery))
            tell("prediction", foreseen)
            trials = TrialRunner(
                self.tools, load, service.subject, watch, calibration, partial(tell, "trial")
            )
            # Begin with the prediction, but with no more than a crowd of clients was answered.
            reached = calibration.crowd.completed
            guess = min(filter(None, (foreseen["predicted"], reached)), default=0.0)
            capacity = self._search(trials, guess)
        return {
            **trials.report(capacity),
            "settings": _settings(cell, discovery),
            **{name: foreseen[name] for name in ("limits", "ceiling", "binding", "predicted")},
            "saturation": round(reached, 2),
        }

    def _search(self, trials: TrialRunner, guess: float) -> Capacity:
        """Search below the rate at which the generator becomes the limit, wherever that is."""
        options = self.tools.options
        goal, most = FULL if options.mode == "full" else QUICK, self.most

        def below(most: float) -> Capacity:
            return search(
                trials.measure, guess, goal, most,
                slo=options.slo, also=options.also, clock=monotonic,
            )  # fmt: skip

        for _ in range(RETREATS):
            try:
                return below(most)
            except Untrustworthy as error:
                most = max(LESS * error.rate, 2 * FLOOR)
        return below(most)


def _foresee(calibration: Calibration, slo: Slo) -> dict[str, Any]:
    """Return the line before a search: demands, all limits with the lowest first, a prediction."""
    demands = Demands.of(calibration.lone, calibration.crowd)
    supply = Supply.of(calibration.crowd)
    prediction = predict(demands, supply, calibration.runs, slo)
    return {
        "demands": asdict(demands),
        "room": asdict(supply),
        "limits": {limit.name: limit.rate for limit in limits(demands, supply)},
        "ceiling": prediction and prediction.ceiling,
        "binding": prediction and prediction.binding,
        "predicted": prediction and prediction.capacity,
    }


def _settings(cell: Cell, discovery: Discovery) -> dict[str, Any]:
    """What the service was started with, and the defaults of the workload's parameters."""
    parameters = discovery.workloads[cell.workload].get("parameters")
    described = parameters.items() if isinstance(parameters, Mapping) else ()
    return {
        **discovery.runtime,
        "defaults": {
            name: parameter.get("default")
            for name, parameter in described
            if isinstance(parameter, Mapping)
        },
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
    within_s = discovery.runtime.get("answered_within_s")
    promises = (discovery.models.get(model) or {}).get("promises") or {}
    if not within_s or not promises.get("bounded", True):
        return slo
    return replace(slo, bound_s=min(slo.bound_s, float(within_s)))
