"""What was seen of a service under one load: all that ceilings and diagnoses are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.load.answer import Stages

GENERATOR_FULL = 0.8  # of a core: beyond it the generator's own lateness enters the result


@dataclass(frozen=True, slots=True)
class Evidence:
    """One load and what it did; rates per second, times in seconds, None where nobody could tell.

    `completed` are the right answers that came per second, in time or late, whenever they were
    sent. `losses` counts the work's lost requests by kind (see `tally.LOSSES`), `errors` what
    failed ones said. `server_cores`, `generator_cores` and `other_cores` are the cores that each
    kept busy, of `cores` that there are; `generator_busy` is what the busiest generator process
    used of a core. `gil` is the share of time in which the GIL of a server process was held (0
    where there is none), the mean of `servers` of them; `loop_cores` what the thread of an event
    loop used of a core, the mean of `loops` of them. `slots` is how many calls the model runs at
    once, in all server processes. `on_loop` tells that the work itself ran on the thread of an
    event loop, blocking it. `typical` are the mean stages of answered requests, `late` those of the
    late ones alone. `memory_pressure` is the share of time in which some process waited for memory.
    """

    rate: float
    duration_s: float
    bound_s: float
    scheduled: int
    completed: float
    losses: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    bystander_loss: float = 0.0
    bystander_p99_s: float | None = None
    backlog_grows: bool = False
    cores: int = 1
    server_cores: float | None = None
    generator_cores: float = 0.0
    generator_busy: float = 0.0
    other_cores: float | None = None
    gil: float | None = None
    servers: int = 1
    loop_cores: float | None = None
    loops: int = 1
    loop_lag_p99_s: float | None = None
    slots: int | None = None
    on_loop: bool = False
    typical: Stages | None = None
    late: Stages | None = None
    lost_workers: int = 0
    memory_pressure: float | None = None
