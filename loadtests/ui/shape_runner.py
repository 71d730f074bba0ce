"""A load shape for Locust: the number of users follows the rate, with or without workers.

Locust always runs a shape that it finds in its locustfile. So the class is not imported there:
`shape` puts one into the environment when it is requested.
"""

from __future__ import annotations

from collections.abc import Sequence

from locust import LoadTestShape
from locust.env import Environment

from loadtests.load.schedule import Phase
from loadtests.run.options import Options
from loadtests.ui.shapes import SHAPES, course, rate_at


class ShapeRunner(LoadTestShape):
    """Follows some phases, and ends the test after them."""

    use_common_options = True  # keeps the fields of the form open for the next test

    def __init__(self, phases: Sequence[Phase]) -> None:
        super().__init__()
        self.phases = tuple(phases)
        self._at_once = max(phase.rate for phase in phases)

    def tick(self) -> tuple[int, float] | None:
        rate = rate_at(self.phases, self.get_run_time())
        if rate is None:
            return None
        return max(1, round(rate)), self._at_once


def shape(
    environment: Environment, options: Options, users: int | None, run_time_s: float | None
) -> None:
    """Set the requested shape, or none. Raises ValueError for an invalid one."""
    if options.scenario not in SHAPES:
        environment.shape_class = None
        return
    phases = course(options.scenario, users or 1, run_time_s, options.steps, options.spike)
    environment.shape_class = ShapeRunner(phases)
    environment.shape_class.runner = environment.runner
