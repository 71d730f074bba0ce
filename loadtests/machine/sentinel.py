"""Watch the machine during a trial by what the kernel counts.

It does not see how fast the cores are: a lower clock, a busy sibling thread, or a hypervisor that
takes time without reporting it. Trials are compared with others next to them for that reason.
"""

from __future__ import annotations

from loadtests.machine.counters import between, counters
from loadtests.machine.disturbances import MachineState
from loadtests.machine.platform import cores


class Sentinel:
    """Watches one trial after the other; `begin` and `end` take about a millisecond each.

    What the system does not count stays unknown.
    """

    def __init__(self) -> None:
        self._before = counters()

    def begin(self) -> None:
        """Start watching, right before a trial."""
        self._before = counters()

    def end(self, own_cpu_s: float | None) -> MachineState:
        """Return what the machine did since `begin`.

        `own_cpu_s` is what server and generator used meanwhile, in CPU seconds. If it is None, as
        the server's use is unknown, that of others is unknown too.
        """
        span = between(self._before, counters())
        others = None
        if own_cpu_s is not None and span.busy_cores is not None:
            spare = (span.cores or 0) - cores()  # which a CPU quota of ours leaves to others
            others = max(span.busy_cores - own_cpu_s / span.elapsed_s - max(spare, 0), 0.0)
        return MachineState(
            steal=span.steal,
            others_cores=others,
            throttled=span.throttled,
            cores=span.cores,
            **{f"{name}_pressure": share for name, share in span.pressures.items()},
        )
