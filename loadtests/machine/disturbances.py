"""Whether the machine was quiet enough for a trial to prove something.

Server and generator may saturate every core: that is what a trial is for. So what their own load
also causes does not void it: waiting for a core (`cpu_pressure`), for the disk (a workload may
write and sync) or for memory (a void trial would hide that it ran out). These are recorded as
evidence. So is a CPU quota that stopped our processes (`throttled`), unless it made the load
generator late. A trial is void if others used the cores: another guest of the hypervisor (`steal`),
or processes beside ours (`others_cores`; one that loads disk or memory needs a core too).
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

# One virtual machine lost 0.2–0.6 % with all cores busy, in a few pairs of seconds up to 2.9 %.
STEAL = 0.03
# A shell and the system's services use a few hundredths of a core, and the figure errs by 0.02;
# a process that spins for a quarter of the time does more.
OTHERS_CORES = 0.2
OTHERS_SHARE = 0.05  # of all cores: among many, one that is busy for others leaves enough
# Half a period of 100 ms in five seconds: enough to make as many requests late as may be.
THROTTLED = 0.01


@dataclass(frozen=True, slots=True)
class MachineState:
    """What the machine did during one trial; None where the system does not report it.

    `steal` is a share of all cores' time, `others_cores` the cores kept busy by processes that are
    neither server nor generator, beyond those that our CPU quota leaves to others. `throttled` is
    the share of the time in which a CPU quota stopped some of our processes, the pressures are
    shares of the time in which something waited.
    """

    steal: float | None = None
    others_cores: float | None = None
    throttled: float | None = None
    memory_pressure: float | None = None
    io_pressure: float | None = None
    cpu_pressure: float | None = None
    cores: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, rounded to what is significant."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def disturbances(machine: MachineState, *, late: bool = False) -> tuple[str, ...]:
    """Return what voids a trial, each with number, limit and what to do; nothing if quiet.

    A CPU quota does so only if the load generator was `late`.
    """
    return tuple(_disturbances(machine, late))


def _disturbances(machine: MachineState, late: bool) -> Iterator[str]:
    allowed = max(OTHERS_CORES, OTHERS_SHARE * (machine.cores or 0))
    if machine.others_cores is not None and machine.others_cores > allowed:
        kept = math.ceil(100 * machine.others_cores) / 100  # rounded up, never down to the limit
        yield (
            f"Other processes used {kept:.2f} cores; a valid trial allows at most {allowed:.2f}. "
            "Stop them, or wait until they end."
        )
    if machine.steal is not None and machine.steal > STEAL:
        yield (
            f"The hypervisor took {machine.steal:.1%} of the cores' time; a valid trial loses "
            f"{STEAL:.0%} at most. Measure where, or when, its other guests are quiet."
        )
    if late and machine.throttled is not None and machine.throttled > THROTTLED:
        yield (
            f"A CPU quota stopped our processes {machine.throttled:.1%} of the time, the load "
            "generator included. Remove the quota (docker --cpus, CPUQuota=), limit the run to "
            "whole cores instead (docker --cpuset-cpus, taskset), or generate the load elsewhere "
            "(--host)."
        )
