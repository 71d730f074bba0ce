"""What one load showed of a service: all demands and causes are derived from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.load.answer import Stages
from loadtests.trial.admitted import Admitted

GENERATOR_FULL = 0.8  # of a core: with more, the generator's own lateness enters the result


@dataclass(frozen=True, slots=True)
class Evidence:
    """One load and its effects: rates per second, times in seconds, None where unknown."""

    rate: float
    duration_s: float
    bound_s: float
    scheduled: int  # while it was measured, settling excluded
    completed: float  # right answers per second, in time or late, whenever they were sent
    losses: Mapping[str, int] = field(default_factory=dict)  # of the work, by kind: `tally.LOSSES`
    errors: Mapping[str, int] = field(default_factory=dict)  # messages of failed requests
    bystander_loss: float = 0.0
    bystander_p99_s: float | None = None
    # Cores: how many there are, and how many of them each kept busy.
    cores: float = 1
    server_cores: float | None = None
    generator_cores: float = 0.0
    generator_busy: float = 0.0  # of a core, by the busiest generator process
    other_cores: float | None = None
    gil: float | None = None  # share of time with the GIL held (0 without one), the mean of
    servers: int = 1  # so many server processes
    loop_cores: float | None = None  # of a core, by the thread of an event loop, the mean of
    loops: int = 1  # so many of them
    loop_lag_p50_s: float | None = None
    loop_lag_p99_s: float | None = None
    slots: int | None = None  # how many calls the model runs at once, in all server processes
    busy: int | None = None  # slots that were taken when the load ended,
    left: int = 0  # when it began: by calls that earlier loads had left behind,
    abandoned: int = 0  # and, when it ended, by calls whose clients had given up
    # Of a model that is made of others: the slots of each, and how many were taken at the end.
    pools: Mapping[str, Sequence[int]] = field(default_factory=dict)
    on_loop: bool = False  # the work ran on the thread of an event loop, and blocked it
    typical: Stages | None = None  # mean of answered requests
    late: Stages | None = None  # mean of late ones alone
    ran_p50_s: float | None = None  # the median run of the work, once it had begun
    ran_too_long: float | None = None  # share of the answers whose run alone exceeded the bound
    loss_ratio: float = 0.01  # that the objective allows
    refuses_over_s: float | None = None  # the service refuses what it expects to take longer
    lost_workers: int = 0
    memory_pressure: float | None = None  # share of time in which some process waited for memory
    io_pressure: float | None = None  # and for the disk
    throttled: float | None = None  # share of time in which a CPU quota stopped our processes
    admitted: Admitted | None = None  # of a service that reports nothing of itself
