"""Evidence of limits in the work itself, as recorded on two cores under p99<250ms."""

from dataclasses import replace

from tests.support.evidence_examples import CORES, POOL, load, lone, stages, used

LONE_LOCK = lone(90, outside=0.6, on_cpu=0.1, off_cpu=10.1, back=0.2)
LONE_QUERY = lone(47, outside=0.5, on_cpu=0.1, off_cpu=20.1, back=0.1)
LONE_SYNC = lone(220, outside=0.3, dispatched=0.1, on_cpu=0.2, off_cpu=4.0, back=0.1)
LONE_ROWS = lone(110, outside=0.8, dispatched=0.1, on_cpu=8.1, off_cpu=0.8, back=0.2)
LONE_BLOCKING = lone(84, outside=1.4, off_cpu=10.4, back=0.1)
LONE_PAUSED = lone(150, outside=0.9, dispatched=0.1, on_cpu=0.04, off_cpu=5.7, back=0.1)
LONE_HALVES = lone(85, outside=0.6, dispatched=0.4, on_cpu=6.0, off_cpu=4.2, back=0.4)
LONE_TAIL = lone(70, outside=0.6, dispatched=0.1, on_cpu=0.04, off_cpu=13.0, back=0.2)
LONE_HANGING = lone(85, outside=0.9, dispatched=0.2, on_cpu=0.04, off_cpu=10.4, back=0.3)
LONE_THREADS = lone(120, outside=0.6, dispatched=0.1, on_cpu=0.3, off_cpu=7.0, back=0.1)
LONE_RESULT = lone(57, outside=9.2, dispatched=0.4, on_cpu=2.2, off_cpu=0.1, back=5.4)
LONE_SCRAPE = lone(35, outside=0.9, dispatched=0.5, on_cpu=12.0, off_cpu=12.5, back=0.7)

LOCK = replace(
    POOL,
    **load(117, 97, late=1, refused=35),
    **used(server=0.09, generator=0.04, gil=0.087, loop=0.07, lag_ms=1),
    slots=16,
    refuses_over_s=0.15,
    typical=stages(outside=0.6, queued=1, dispatched=0.2, on_cpu=0.1, off_cpu=137.7, back=0.2),
    late=stages(outside=0.6, on_cpu=0.1, off_cpu=290, back=0.2),
)
CONNECTIONS = replace(
    LOCK,
    **load(118, 97.8, late=5, refused=38),
    typical=stages(outside=0.5, queued=1.9, dispatched=0.1, on_cpu=0.1, off_cpu=131.8, back=0.2),
)
SYNCED = replace(
    LOCK,
    **load(289, 237, refused=88),
    **used(server=0.17, generator=0.05, gil=0.13, loop=0.1, lag_ms=3),
    io_pressure=0.62,
    typical=stages(outside=0.4, queued=62, dispatched=0.3, on_cpu=0.2, off_cpu=61, back=0.3),
    late=None,
)
ROWS = replace(
    LOCK,
    **load(79, 28, late=60),
    **used(server=0.72, generator=0.05, gil=0.36, loop=0.06, lag_ms=30),
    typical=stages(outside=6, queued=2, dispatched=6, on_cpu=8.4, off_cpu=96, back=8),
    late=stages(outside=8, queued=2, dispatched=6, on_cpu=8.4, off_cpu=160, back=9),
)
BLOCKING = replace(
    LOCK,
    **load(106, 88.7, late=35),
    **used(server=0.04, generator=0.03, gil=0.04, loop=0.03, lag_ms=250),
    slots=10_000,
    typical=stages(outside=72, dispatched=16, off_cpu=35, back=45),
    late=stages(outside=154, dispatched=14, off_cpu=46, back=83),
)
PAUSED = replace(
    LOCK,
    **load(100, 97, late=40),
    **used(server=0.12, generator=0.05, gil=0.11, loop=0.04, lag_ms=100),
    bound_s=0.05,
    loop_lag_p50_s=0.0003,
    bystander_loss=0.1,
    typical=stages(outside=8, dispatched=0.4, on_cpu=0.7, off_cpu=8, back=1.4),
    late=stages(outside=60, dispatched=2, on_cpu=1, off_cpu=22, back=5),
)
HALVES = replace(
    LOCK,
    **load(230, 176, refused=190),
    **used(server=1.2, generator=0.06, gil=0.1, loop=0.08, lag_ms=3),
    slots=2,
    typical=stages(outside=0.9, queued=100, dispatched=0.5, on_cpu=6.1, off_cpu=4.6, back=0.8),
    late=None,
)
TAIL = replace(
    LOCK,
    **load(400, 400, late=38),
    **used(server=0.2, generator=0.1, gil=0.2, loop=0.15, lag_ms=3),
    ran_p50_s=0.0051,
    ran_too_long=0.02,
    typical=stages(outside=0.6, queued=0.1, dispatched=0.2, on_cpu=0.05, off_cpu=13, back=0.3),
    late=stages(outside=0.6, dispatched=0.2, on_cpu=0.05, off_cpu=400, back=0.3),
)
HANGING = replace(
    LOCK,
    **load(380, 290, refused=400),
    **used(server=0.2, generator=0.1, gil=0.2, loop=0.15, lag_ms=3),
    busy=16,
    left=12,
    typical=stages(outside=0.6, queued=60, dispatched=0.2, on_cpu=0.05, off_cpu=10.2, back=0.3),
    late=None,
)
OWN_THREADS = replace(
    LOCK,
    **load(300, 262, late=20, refused=90),
    **used(server=1.86, generator=0.06, gil=0.37, loop=0.06, lag_ms=60),
    typical=stages(outside=29, queued=39, dispatched=6, on_cpu=0.5, off_cpu=52, back=15),
    late=None,
)
RESULT = replace(
    CORES,
    **load(98, 90.7, late=4, refused=20),
    **used(server=0.92, generator=0.07, gil=0.57, loop=0.41, lag_ms=30),
    typical=stages(outside=16, queued=37, dispatched=11, on_cpu=1.8, off_cpu=2.6, back=24),
    late=None,
)
TIGHT_GIL = replace(
    POOL,
    **load(41, 41, late=6),
    **used(server=0.45, generator=0.04, gil=0.41, loop=0.03, lag_ms=6),
    bound_s=0.03,
    slots=16,
    typical=stages(outside=1, queued=0.1, dispatched=1, on_cpu=9.8, off_cpu=5, back=1),
    late=stages(outside=3, dispatched=3, on_cpu=9.8, off_cpu=22, back=3),
)
REFUSED = replace(
    LOCK,
    **load(75, 72, refused=14),
    typical=stages(outside=1, queued=0.5, dispatched=0.1, on_cpu=0.1, off_cpu=10.2, back=0.2),
    late=None,
)
QUOTA = replace(CORES, throttled=0.3)
WAITING = replace(ROWS, completed=10, gil=0.05, server_cores=0.1)  # for something outside
SCRAPED = replace(
    CORES,
    **load(190, 135, late=2, refused=160),
    **used(server=1.1, generator=0.06, gil=0.15, loop=0.1, lag_ms=3),
    cores=4,
    pools={"thread-pool": (16, 3), "process-pool": (2, 2)},
    typical=stages(outside=1, queued=80, dispatched=1, on_cpu=12.4, off_cpu=13.5, back=1),
    late=None,
)
