"""Evidence of services with known bottlenecks, on a machine of two cores under p99<250ms."""

from dataclasses import replace
from typing import Any

from loadtests.load.answer import Stages
from loadtests.trial.evidence import Evidence

MS = 0.001


def stages(**ms: float) -> Stages:
    return Stages(**{name: time * MS for name, time in ms.items()})


def load(rate: float, completed: float, **losses: int) -> dict[str, Any]:
    """What 5 seconds at this rate came to."""
    return {"rate": rate, "scheduled": 5 * rate, "completed": completed, "losses": losses}


def used(server: float, generator: float, gil: float, loop: float, lag_ms: float) -> dict[str, Any]:
    """The cores and the shares of the GIL and the event loop that were busy meanwhile."""
    cores = {"server_cores": server, "generator_cores": generator, "loop_cores": loop}
    return {**cores, "gil": gil, "loop_lag_p99_s": lag_ms * MS}


def lone(completed: float, on_loop: bool = False, **ms: float) -> Evidence:
    """One client at a time."""
    return Evidence(
        completed,
        *(2.0, 0.25, int(2 * completed), completed),
        cores=2,
        server_cores=0.5,
        on_loop=on_loop,
        typical=stages(**ms),
    )


LONE_THREAD = lone(95, outside=0.3, dispatched=0.06, on_cpu=9.6, off_cpu=0.1, back=0.07)
LONE_PROCESS = lone(95, outside=0.3, dispatched=0.2, on_cpu=9.0, off_cpu=0.05, back=0.2)
LONE_SLEEP = lone(19.5, outside=0.3, dispatched=0.06, on_cpu=0.03, off_cpu=50.1, back=0.07)
LONE_ASYNC = lone(19.7, outside=0.2, off_cpu=50.1)
LONE_ECHO = lone(28, outside=4.0, dispatched=14.0, on_cpu=0.4, off_cpu=0.1, back=16.0)

GIL = Evidence(
    **load(100, 93, late=260, refused=30),
    **used(server=1.02, generator=0.11, gil=0.97, loop=0.09, lag_ms=41),
    duration_s=5,
    bound_s=0.25,
    bystander_loss=0.0,
    cores=2,
    other_cores=0.05,
    slots=16,
    typical=stages(outside=9, queued=90, dispatched=6, on_cpu=10.4, off_cpu=130, back=12),
    late=stages(outside=10, queued=150, dispatched=6, on_cpu=10.4, off_cpu=152, back=14),
)
CORES = replace(
    GIL,
    **load(190, 176, late=500),
    **used(server=1.8, generator=0.15, gil=0.13, loop=0.11, lag_ms=6),
    slots=2,
    typical=stages(outside=1, queued=210, dispatched=0.4, on_cpu=10, off_cpu=0.6, back=1),
    late=stages(outside=1, queued=280, dispatched=0.4, on_cpu=10, off_cpu=0.6, back=1),
)
POOL = replace(
    GIL,
    **load(42, 39, late=130),
    **used(server=0.06, generator=0.05, gil=0.03, loop=0.02, lag_ms=1),
    other_cores=0.04,
    slots=2,
    typical=stages(outside=0.4, queued=260, dispatched=0.1, on_cpu=0.1, off_cpu=50.1, back=0.1),
    late=stages(outside=0.4, queued=400, dispatched=0.1, on_cpu=0.1, off_cpu=50.1, back=0.1),
)
INLINE_SLEEP = replace(
    POOL,
    rate=21,
    completed=19,
    slots=None,
    on_loop=True,
    loop_lag_p99_s=0.21,
    bystander_loss=0.4,
    typical=stages(outside=240, on_cpu=0.05, off_cpu=50.1),
    late=stages(outside=350, on_cpu=0.05, off_cpu=50.1),
)
INLINE_PRIMES = replace(
    INLINE_SLEEP,
    rate=110,
    completed=97,
    server_cores=1.0,
    gil=0.99,
    loop_cores=0.99,
    typical=stages(outside=240, on_cpu=9.8, off_cpu=0.1),
    late=stages(outside=330, on_cpu=9.8, off_cpu=0.1),
)
ASYNC = replace(
    GIL,
    **load(3200, 2900, late=9000),
    **used(server=0.98, generator=0.6, gil=0.95, loop=0.97, lag_ms=200),
    slots=10_000,
    typical=stages(outside=190, off_cpu=60),
    late=stages(outside=250, off_cpu=70),
)
AWAITED_POOL = replace(
    GIL,
    **load(130, 95, late=70),
    **used(server=0.14, generator=0.06, gil=0.1, loop=0.09, lag_ms=3),
    slots=10_000,
    typical=stages(outside=2, off_cpu=610),
    late=stages(outside=2, off_cpu=900),
)
TINY_QUEUE = replace(
    CORES,
    **load(75, 72, refused=14, late=1),
    server_cores=0.78,
    generator_cores=0.07,
    typical=stages(outside=1, queued=0.5, dispatched=0.4, on_cpu=9.9, off_cpu=0.4, back=1),
    late=None,
)
ECHO = replace(
    GIL,
    **load(60, 52, late=140),
    **used(server=1.25, generator=0.3, gil=0.88, loop=0.55, lag_ms=90),
    slots=2,
    typical=stages(outside=60, queued=120, dispatched=30, on_cpu=0.5, off_cpu=0.3, back=38),
    late=stages(outside=80, queued=180, dispatched=32, on_cpu=0.5, off_cpu=0.3, back=40),
)
HUNGRY = replace(CORES, losses={"failed": 60, "late": 20}, errors={"HTTP 500: MemoryError": 60})
SWAPPING = replace(POOL, memory_pressure=0.34, lost_workers=2)
KILLED = replace(CORES, server_cores=0.9, losses={"failed": 40, "late": 12}, lost_workers=9)
NEIGHBOUR = replace(CORES, completed=100, server_cores=0.95, other_cores=0.9)
LAGGING = replace(
    POOL,
    completed=39,
    generator_cores=0.97,
    typical=stages(lag=200, outside=1, off_cpu=1),
    late=stages(lag=320, outside=1, queued=20, off_cpu=1),
)
READING_LATE = replace(
    LAGGING,
    generator_busy=0.98,
    typical=stages(lag=137, outside=587),
    late=stages(lag=160, outside=689),
)
HEAVY_GENERATOR = replace(ASYNC, loop_cores=0.7, gil=0.7, server_cores=0.72, generator_cores=1.2)
FAILING = replace(
    POOL, completed=0, losses={"failed": 210}, errors={"HTTP 500": 210}, typical=None, late=None
)
WRONG = replace(POOL, losses={"wrong": 200, "late": 10})
CONVOY = replace(
    GIL,
    bound_s=0.05,
    rate=60,
    completed=60,
    losses={"late": 4},
    bystander_loss=0.06,
    gil=0.66,
    server_cores=0.7,
    typical=stages(outside=4, queued=0.1, dispatched=3, on_cpu=9.8, off_cpu=9, back=6),
    late=stages(outside=9, queued=1, dispatched=6, on_cpu=9.8, off_cpu=28, back=12),
)
UNSEEN_GIL = replace(GIL, gil=None, loop_cores=None)
SHORT = replace(POOL, duration_s=0.5, scheduled=40, completed=32, losses={"late": 9})
BURSTS = replace(POOL, bound_s=0.15, rate=22, completed=22, losses={"late": 3})
SLOW = replace(POOL, bound_s=0.04, completed=1, rate=1, losses={"late": 5})
CALM = replace(POOL, completed=4, losses={"late": 2}, typical=None, late=None)
BLIND = Evidence(10, 5.0, 0.25, 50, 40, losses={"late": 10})
