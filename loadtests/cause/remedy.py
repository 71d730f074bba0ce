"""What to change to prove a cause: twice the blamed resource or half of it, and nothing else."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.capacity.demands import Limit
from loadtests.cause.claim import DETECTABLE, Remedy, Unproven
from loadtests.cause.diagnosis import Cause
from loadtests.trial.evidence import Evidence
from loadtests.wording import count_of, rate_text

MOST = {"threads": 1000, "processes": 256, "workers": 256, "loops": 256}  # the server's bounds
POOL_OF = {  # the option that sizes it
    "thread-per-request": "threads",
    "thread-pool": "threads",
    "process-per-request": "processes",
    "process-pool": "processes",
    "supervised-process-pool": "processes",
    "interpreter-pool": "processes",
    "dask": "processes",
}
LIMIT_OF = {
    "GIL": "gil",
    "loop blocked": "loop",
    "loop busy": "loop",
    "pool": "slots",
    "cores": "cores",
}
SOME_MORE = 1.1  # the least that is claimed where only the most is known
BEYOND = 1.25  # times the ratio of the limits: a queue of more servers is also better used
WITHOUT = {
    "memory": "how much memory there is cannot be turned",
    "crashes": "what kills the workers is not known",
    "generator": "the generator was the limit, not the server",
    "neighbour": "other processes on this machine are not ours to stop",
    "failures": "the work fails or is wrong by itself: no resource helps",
    "too slow": "the work alone takes longer than the objective allows",
    "unknown": "no resource is blamed",
}


@dataclass(frozen=True, slots=True)
class DiagnosedCell:
    """A diagnosed cell: what was seen, its limits (the lowest first), and how it was run.

    `settings` are the runtime in the server's discovery, `parameters` those of the workload.
    """

    cause: Cause
    evidence: Evidence
    limits: Sequence[Limit]
    settings: Mapping[str, object]
    model: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    def setting(self, name: str, default: float) -> float:
        value = self.settings.get(name, default)
        return value if isinstance(value, int | float) else default

    @property
    def room(self) -> float:
        """How many times the rate at which it broke the limits allow; 0 where nobody can tell."""
        least = min((limit.rate for limit in self.limits), default=0.0)
        return least / self.evidence.rate if self.evidence.rate > 0 else 0.0

    @property
    def pool(self) -> str | None:
        """The option that sizes the pool; `hybrid` has one for waits and one for work."""
        stages = self.evidence.typical
        if self.model == "hybrid" and stages is not None:
            return "threads" if stages.off_cpu >= stages.on_cpu else "processes"
        return POOL_OF.get(self.model)


def remedy(case: DiagnosedCell) -> Remedy | Unproven:
    """Choose the change that proves the cause of a case, and predict what it does to capacity."""
    name = case.cause.name
    choose = CHOICES.get(name)
    return choose(case) if choose else Unproven(WITHOUT.get(name, WITHOUT["unknown"]))


def _pool(case: DiagnosedCell) -> Remedy | Unproven:
    option = case.pool
    if option is None:
        slots = count_of(case.evidence.slots or 0, "slot")
        return Unproven(f"no option is known that sizes the {slots} of {case.model}")
    return _doubled(case, option, {"slots": 2.0})


def _gil(case: DiagnosedCell) -> Remedy | Unproven:
    lost = sum(case.evidence.losses.values()) / max(case.evidence.scheduled, 1)
    if case.evidence.bystander_loss <= lost or case.room < DETECTABLE:
        return _servers(case)
    interval_ms = 1000 * case.setting("switch_interval_s", 0.005)
    shorter = f"{max(interval_ms / 10, 0.01):.3f}".rstrip("0").rstrip(".")
    change = f"a switch interval of {shorter} ms instead of {interval_ms:g} ms"
    axes, predicted = {"switch_interval": f"{shorter}ms"}, (SOME_MORE, BEYOND * case.room)
    return Remedy(change, axes, {}, None, predicted)


def _servers(case: DiagnosedCell) -> Remedy | Unproven:
    """Have twice as many event loops and GILs, and as many workers and cores as before."""
    if case.setting("loops", 1) > 1:
        if case.cause.name == "GIL":
            return Unproven("event loops in one process share its GIL, and exclude more processes")
        return _doubled(case, "loops", {"loop": 2.0}, _halved(case))
    return _doubled(case, "workers", {"loop": 2.0, "gil": 2.0}, _halved(case))


def _halved(case: DiagnosedCell) -> dict[str, int]:
    """Size the pools so that twice as many make the same number of workers."""
    options = {"threads", "processes"} if case.model == "hybrid" else {case.pool}
    sizes = {option: int(case.setting(option, 1)) for option in sorted(filter(None, options))}
    return {option: size // 2 for option, size in sizes.items() if size >= 2}


def _doubled(
    case: DiagnosedCell,
    option: str,
    factors: Mapping[str, float],
    beside: Mapping[str, int] | None = None,
) -> Remedy | Unproven:
    size = int(case.setting(option, 1))
    if 2 * size > MOST[option]:
        return Unproven(f"the server has no more than {MOST[option]} {option}")
    expected = _expected(case, factors)
    if isinstance(expected, Unproven):
        return expected
    words = {"workers": "server processes", "loops": "event loops"}
    change = f"{2 * size} {words.get(option, option)} instead of {size}"
    if beside:
        change += f", with pools of {' and '.join(f'{n} {name}' for name, n in beside.items())}"
    axes = {option: 2 * size, **(beside or {})}
    return Remedy(change, {name: str(n) for name, n in axes.items()}, {}, None, expected)


def _cores(case: DiagnosedCell) -> Remedy | Unproven:
    cores = case.evidence.cores
    if cores < 2:
        return Unproven("there is one core, and none to take away")
    half = cores // 2
    expected = _expected(case, {"cores": half / cores})
    if isinstance(expected, Unproven):
        return expected
    return Remedy(f"{half} of {cores} cores for the server", {}, {}, half, expected)


def _payload(case: DiagnosedCell) -> Remedy | Unproven:
    kib = case.parameters.get("kib")
    if not isinstance(kib, int | float | str) or not str(kib).isdecimal() or int(kib) < 2:
        return Unproven("the workload has no parameter `kib` that halves its payload")
    half = str(int(kib) // 2)
    change = f"half the payload ({half} instead of {kib} KiB)"
    return Remedy(change, {}, {"kib": half}, None, (DETECTABLE, 2 * BEYOND))


def _queue(case: DiagnosedCell) -> Remedy | Unproven:
    if case.limits and case.room < DETECTABLE:
        return _too_near(case.limits[0])
    length = int(case.setting("queue", 0))
    longer = max(4 * length, 16)
    change = f"a queue of {longer} requests instead of {length}, bounded by its length alone"
    axes = {"admission": "bounded", "queue": str(longer)}
    return Remedy(change, axes, {}, None, (SOME_MORE, BEYOND * (case.room or 2.0)))


def _expected(case: DiagnosedCell, factors: Mapping[str, float]) -> tuple[float, float] | Unproven:
    """Predict the ratio of capacities: the blamed limit times its factor, up to the next limit.

    At least half of that change should show. What broke far below its limit, for bursts under a
    tight bound, may gain that distance as well.
    """
    blamed, rate = LIMIT_OF[case.cause.name], case.evidence.rate
    known = dict(case.limits)
    known.setdefault(blamed, rate)  # it broke there: the limit cannot be far
    changed = [Limit(name, limit * factors.get(name, 1.0)) for name, limit in known.items()]
    least, base = min(changed, key=lambda limit: limit.rate), min(known.values())
    ratio = least.rate / base if base > 0 else 1.0
    if 1 / DETECTABLE < ratio < DETECTABLE:
        return _too_near(least)
    if ratio < 1:
        return ratio / BEYOND, math.sqrt(ratio)
    spare = min(max(rate / base, 0.25), 1.0)
    return (1 + ratio) / 2, BEYOND * ratio / spare


def _too_near(limit: Limit) -> Unproven:
    rate = rate_text(limit.rate)
    return Unproven(f"the next limit is too near for a change to show: {limit.name} at {rate}/s")


CHOICES: Mapping[str, Callable[[DiagnosedCell], Remedy | Unproven]] = {
    "pool": _pool,
    "GIL": _gil,
    "loop blocked": _servers,
    "loop busy": _servers,
    "cores": _cores,
    "payload": _payload,
    "queue": _queue,
}
