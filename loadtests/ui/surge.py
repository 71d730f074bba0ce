"""A surge in the Locust UI, against the running service at --host: its users show the offered rate.

The service is measured as it is: start it with another --admission, and see what that changes.
"""

from __future__ import annotations

import logging
from contextlib import closing

from locust.env import Environment
from locust.runners import MasterRunner

from loadtests.errors import ServiceError, Untrustworthy, WorkersGone
from loadtests.load.source import Source
from loadtests.report.surge.results import sentence
from loadtests.run.options import Options
from loadtests.run.surge.lines import PolicyResult
from loadtests.run.surge.measure import Gauges, SurgeLoad, offer, probe
from loadtests.service.contract import Discovery, path_of
from loadtests.service.warm_up import warmed_up
from loadtests.trial.cell_load import CellLoad
from loadtests.ui.users import show
from loadtests.wording import rate_text

log = logging.getLogger("loadbearing")


class Scenario:
    """One surge for each cell, one after the other."""

    def __init__(
        self, locust: Environment, source: Source, options: Options, discovery: Discovery
    ) -> None:
        self._locust = locust
        self._source = source
        self._options = options
        self._policy = str(discovery.runtime.get("admission") or "the service")
        self._url = str(locust.host)

    def run(self) -> int:
        """Return the exit code: 0 done, 3 no trustworthy result."""
        try:
            sound = [self._cell(cell) for cell in self._options.cells]
        except (Untrustworthy, ServiceError, WorkersGone, OSError) as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            return 3
        return 0 if all(sound) else 3

    def _show(self, rate: float) -> None:
        """Show the rate of a phase, unless workers offer it.

        Each would pause for a quarter of a second, in which Locust parses its options.
        """
        if not isinstance(self._locust.runner, MasterRunner):
            show(self._locust, rate)

    def _cell(self, cell: tuple[str, str]) -> bool:
        """Offer a surge to one cell; returns whether its figures can be trusted."""
        options = self._options
        path, name = path_of(*cell, options.parameters.get(cell[0])), "/".join(cell)
        request = warmed_up(self._url, path)
        with closing(CellLoad(self._url, cell, request, self._source)) as load_cell:
            capacity = probe(load_cell, options.durations)
            log.info("%s sustains about %s req/s", name, rate_text(capacity))
            load = SurgeLoad(
                capacity, options.durations, options.slo, options.seed, options.arrivals
            )
            gauges = Gauges(self._url, cell[1])
            line = offer(load_cell, gauges, load, self._show)
        course = PolicyResult.of({"policy": self._policy, "queue": None, **line})
        for text in (sentence(course, capacity, options.slo), *course.flaws):
            log.info("%s: %s", name, text)
        return not course.flaws
