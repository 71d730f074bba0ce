"""Measure one cell on one server: the cost of a request, the estimate, and the capacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import Any

from loadtests.capacity.bounds import Capacity
from loadtests.capacity.calibration import Calibration, calibrate
from loadtests.capacity.demands import Demands, Supply, limits
from loadtests.capacity.goals import FULL, QUICK
from loadtests.capacity.prediction import Prediction, predict
from loadtests.capacity.search import search
from loadtests.cell import Cell
from loadtests.errors import Untrustworthy
from loadtests.load.source import Source
from loadtests.run.survival.trials import Costs, Tools, TrialRunner
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
        self, cell: Cell, service: RunningService, offered: Discovery, tell: Tell
    ) -> dict[str, Any]:
        """Search the capacity of a cell on this service. Raises Untrustworthy if it has none."""
        options, url = self.tools.options, service.url
        path = path_of(cell.workload, cell.model, options.parameters.get(cell.workload))
        expected = expected_answer(url, path)
        hammer = CellLoad(
            url,
            (cell.workload, cell.row),
            path,
            expected,
            self.source,
        )
        signs = ServiceWatch(url, cell.model, service.subject)
        with closing(hammer), closing(signs):
            found = calibrate(url, path, lambda body: expected in body, signs, options.slo.bound_s)
            foreseen = Foreseen.of(found, _borne_within(options.slo, cell.model, offered))
            tell("prediction", foreseen.to_json())
            costs = Costs(foreseen.demands, found.crowd.on_loop)
            trials = TrialRunner(
                self.tools, hammer, service.subject, signs, costs, lambda one: tell("trial", one)
            )
            capacity = self._search(trials, foreseen.guess(found))
        said = trials.report(capacity)
        return {
            **said,
            "settings": _settings(cell, offered),
            **foreseen.compared,
            "saturation": round(found.crowd.completed, 2),
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


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is said of a cell before its search: its demands, all limits, and a prediction."""

    demands: Demands
    room: Supply
    prediction: Prediction | None

    @classmethod
    def of(cls, found: Calibration, slo: Slo) -> Foreseen:
        demands, room = Demands.of(found.lone, found.crowd), Supply.of(found.crowd)
        return cls(demands, room, predict(demands, room, found.runs, slo))

    def guess(self, found: Calibration) -> float:
        """Where to begin: the prediction, but no more than a crowd was answered."""
        seen = found.crowd.completed
        if self.prediction is None or not self.prediction.capacity:
            return seen
        return min(self.prediction.capacity, seen) if seen else self.prediction.capacity

    def to_json(self) -> dict[str, Any]:
        """The line of the run file that comes before the search."""
        return {"demands": asdict(self.demands), "room": asdict(self.room), **self.compared}

    @property
    def compared(self) -> dict[str, Any]:
        """What the search will be compared with: limits, the lowest first, and a prediction."""
        one = self.prediction
        return {
            "limits": {limit.name: limit.rate for limit in limits(self.demands, self.room)},
            "ceiling": one and one.ceiling,
            "binding": one and one.binding,
            "predicted": one and one.capacity,
        }


def _settings(cell: Cell, offered: Discovery) -> dict[str, Any]:
    """What the service was started with, and what the workload does unless told otherwise."""
    told = offered.workloads[cell.workload].get("parameters")
    parameters = told if isinstance(told, Mapping) else {}
    defaults = {
        name: one.get("default") for name, one in parameters.items() if isinstance(one, Mapping)
    }
    model = offered.models.get(cell.model) or {}
    options = {
        name: {bound: option.get(bound) for bound in BOUNDS}
        for name, option in offered.options.items()
    }
    return {
        **offered.runtime,
        "defaults": defaults,
        "options": options,
        "sized_by": model.get("sized_by"),
    }


def _borne_within(slo: Slo, model: str, offered: Discovery) -> Slo:
    """Return the objective that the service itself holds requests to, if it is the stricter one.

    Most admission policies refuse a request that would not be answered within some time. Models
    that cannot bound their queue have no admission.
    """
    within_s = offered.runtime.get("answered_within_s")
    promises = (offered.models.get(model) or {}).get("promises") or {}
    if not within_s or not promises.get("bounded", True):
        return slo
    return replace(slo, bound_s=min(slo.bound_s, float(within_s)))
