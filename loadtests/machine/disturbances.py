"""Whether the machine was quiet enough for a trial to prove something.

Server and generator may saturate every core: that is what a trial is for. So what
their own load also causes does not void it: waiting for a core (`cpu_pressure`), late wake-ups
(`jitter_ms`), waiting for the disk (a workload may write and sync) or for memory (a void trial
would hide that it ran out). These are recorded as evidence. A trial is void if a neighbour used the
cores: through the hypervisor (`steal`), as a process beside ours (`others_cores`; one that loads
disk or memory needs a core too), or invisibly, so that the same piece of work takes more CPU time
(`slowdown`, `slow_share`): a hypervisor that does not report it, a sibling thread of the core, a
lower clock.
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
# The piece of work runs on warm caches, and its calibration knows busy cores and sleepy clocks.
SLOWDOWN = 1.3  # of its median: for at least half of the trial the cores did less
SLOW_SHARE = 0.35  # of the pieces taking SLOWDOWN times their calibration: it comes and goes
ENOUGH = 20  # pieces; median and share of fewer say little


@dataclass(frozen=True, slots=True)
class MachineState:
    """What the machine did during one trial; None where the system does not report it.

    `steal` is a share of all cores' time, `others_cores` the cores kept busy by processes that are
    neither server nor generator, the pressures are shares of the time in which something waited.
    `slowdown` is the median CPU time of a fixed piece of work ÷ its calibration, `slow_share` the
    share of these `pieces` that took over SLOWDOWN times as long, `jitter_ms` the 95th percentile
    of how late they began, `calibration_ms` the CPU time of such a piece when calibrated.
    """

    steal: float | None = None
    others_cores: float | None = None
    memory_pressure: float | None = None
    io_pressure: float | None = None
    cpu_pressure: float | None = None
    slowdown: float | None = None
    slow_share: float | None = None
    jitter_ms: float | None = None
    pieces: int = 0
    calibration_ms: float | None = None
    cores: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, rounded to what is significant."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def disturbances(machine: MachineState) -> tuple[str, ...]:
    """Return what voids a trial, each with number, limit and what to do; nothing if quiet."""
    return tuple(_disturbances(machine))


def _disturbances(machine: MachineState) -> Iterator[str]:
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
    if machine.pieces < ENOUGH:
        return
    if machine.slowdown is not None and machine.slowdown > SLOWDOWN:
        yield (
            f"The cores were slow: the sentinel's piece of work took {machine.slowdown:.2f} × the "
            f"CPU time of its calibration; a valid trial keeps it within {SLOWDOWN:g} ×. {_CALM}"
        )
    elif machine.slow_share is not None and machine.slow_share > SLOW_SHARE:
        yield (
            f"The cores were slow now and then: {machine.slow_share:.0%} of {machine.pieces} "
            f"pieces of work took over {SLOWDOWN:g} × the CPU time of their calibration; a valid "
            f"trial has {SLOW_SHARE:.0%} at most. {_CALM}"
        )


_CALM = "Look for another guest of the host, a low power setting, or a hot processor."
