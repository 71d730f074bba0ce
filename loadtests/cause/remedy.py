"""Prove a cause by its counterfactual: change the blamed resource alone, and see capacity move.

A remedy is that change, and the ratio by which it should move the capacity: twice the resource or
half of it. A claim is what came of it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtests.capacity.demands import Limit
from loadtests.trial.evidence import Evidence
from loadtests.wording import DASH, TIMES, count_of, rate_text

DETECTABLE = 1.2  # a smaller change may disappear in the width of a measured ratio
TOLERANCE = 0.05  # of each end of the prediction, which is rounded arithmetic
SOME_MORE = 1.1  # the least that is claimed where only the most is known
BEYOND = 1.25  # times the ratio of the limits: a queue of more servers is also better used


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of one resource, and the range of ratios by which capacity should then change."""

    change: str
    axes: Mapping[str, str]  # options of the server
    parameters: Mapping[str, str]  # of the workload
    cores: int | None  # to which the server alone is restricted
    predicted: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why no change of a resource could prove a cause."""

    reason: str


Choice = Remedy | Unproven


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether a cause was confirmed, and the range of ratios by which capacity changed."""

    stands: bool
    measured: tuple[float, float]
    sentence: str


@dataclass(frozen=True, slots=True)
class DiagnosedCell:
    """What is known of a cell that broke, and how it was run.

    `settings` and `options` are the runtime and the options in the discovery of the service.
    """

    evidence: Evidence
    limits: Sequence[Limit]  # the lowest first
    settings: Mapping[str, object]
    model: str
    parameters: Mapping[str, object] = field(default_factory=dict)  # of the workload
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sized_by: str | None = None  # the option that sizes the model

    def setting(self, name: str, default: float) -> float:
        value = self.settings.get(name, default)
        return value if isinstance(value, int | float) else default

    @property
    def headroom(self) -> float:
        """How many times the rate at which it broke the limits allow; 0 where that is unknown."""
        least = min((limit.rate for limit in self.limits), default=0.0)
        return least / self.evidence.rate if self.evidence.rate > 0 else 0.0

    @property
    def sizes(self) -> list[str]:
        """The options that size the pools of its model: two where it is made of two models."""
        if self.sized_by:
            return [self.sized_by]
        names = ("threads", "processes")
        return [n for n in names if self.model in (self.options.get(n, {}).get("models") or ())]

    def fixed(self, option: str, value: float | str) -> Unproven | None:
        """Say why an option cannot have this value, as far as the service publishes it."""
        known = self.options.get(option)
        if known is None:
            return Unproven(f"the service does not publish an option `{option}`")
        most, choices = known.get("maximum"), known.get("choices")
        if isinstance(value, str):
            unknown = choices is not None and value not in choices
            return Unproven(f"the service has no {option} {value!r}") if unknown else None
        if most is not None and value > most:
            return Unproven(f"the service allows at most {most:g} {option}")
        return None


def larger_pool(cell: DiagnosedCell) -> Choice:
    """Double the pool; of two, the one where requests spend more of their time."""
    sizes, stages = cell.sizes, cell.evidence.typical
    if not sizes:
        slots = count_of(cell.evidence.slots or 0, "slot")
        return Unproven(f"no option is known that sizes the {slots} of {cell.model}")
    waits = stages is not None and stages.off_cpu >= stages.on_cpu
    option = "threads" if len(sizes) > 1 and waits else sizes[-1]
    return _doubled(cell, option, "slots", {"slots": 2.0})


def more_gils(cell: DiagnosedCell) -> Choice:
    """Double the GILs; or, if only the event loop starves behind the GIL, hand it over sooner."""
    lost = sum(cell.evidence.losses.values()) / max(cell.evidence.scheduled, 1)
    if cell.evidence.bystander_loss <= lost or cell.headroom < DETECTABLE:
        return _more_servers(cell, "gil")
    interval_ms = 1000 * cell.setting("switch_interval_s", 0.005)
    shorter_ms = max(interval_ms / 10, 0.01)
    if fixed := cell.fixed("switch_interval", shorter_ms / 1000):
        return fixed
    shorter = f"{shorter_ms:.3f}".rstrip("0").rstrip(".")
    change = f"a switch interval of {shorter} ms instead of {interval_ms:g} ms"
    axes, predicted = {"switch_interval": f"{shorter}ms"}, (SOME_MORE, BEYOND * cell.headroom)
    return Remedy(change, axes, {}, None, predicted)


def more_loops(cell: DiagnosedCell) -> Choice:
    """Double the event loops."""
    return _more_servers(cell, "loop")


def _more_servers(cell: DiagnosedCell, limit: str) -> Choice:
    """Double the event loops and GILs, with as many workers and cores as before."""
    sizes = {option: int(cell.setting(option, 1)) for option in sorted(cell.sizes)}
    halves = {option: size // 2 for option, size in sizes.items() if size >= 2}
    if cell.setting("loops", 1) > 1:
        if limit == "gil":
            return Unproven("event loops in one process share its GIL, and exclude more processes")
        return _doubled(cell, "loops", limit, {"loop": 2.0}, halves)
    return _doubled(cell, "workers", limit, {"loop": 2.0, "gil": 2.0}, halves)


def _doubled(
    cell: DiagnosedCell,
    option: str,
    limit: str,
    factors: Mapping[str, float],
    beside: Mapping[str, int] | None = None,
) -> Choice:
    size = int(cell.setting(option, 1))
    if fixed := cell.fixed(option, 2 * size):
        return fixed
    expected = _expected(cell, limit, factors)
    if isinstance(expected, Unproven):
        return expected
    words = {"workers": "server processes", "loops": "event loops"}
    change = f"{2 * size} {words.get(option, option)} instead of {size}"
    if beside:
        change += f", with pools of {' and '.join(f'{n} {name}' for name, n in beside.items())}"
    axes = {option: 2 * size, **(beside or {})}
    return Remedy(change, {name: str(n) for name, n in axes.items()}, {}, None, expected)


def fewer_cores(cell: DiagnosedCell) -> Choice:
    """Halve the cores of the server: more of them cannot be had."""
    cores = cell.evidence.cores
    if cores < 2:
        return Unproven("there is only one core, so none can be taken away")
    half = cores // 2
    expected = _expected(cell, "cores", {"cores": half / cores})
    if isinstance(expected, Unproven):
        return expected
    return Remedy(f"{half} of {cores} cores for the server", {}, {}, half, expected)


def smaller_payload(cell: DiagnosedCell) -> Choice:
    kib = cell.parameters.get("kib")
    if not isinstance(kib, int | float | str) or not str(kib).isdecimal() or int(kib) < 2:
        return Unproven("the workload has no parameter `kib` that halves its payload")
    half = str(int(kib) // 2)
    change = f"half the payload ({half} instead of {kib} KiB)"
    return Remedy(change, {}, {"kib": half}, None, (DETECTABLE, 2 * BEYOND))


def longer_queue(cell: DiagnosedCell) -> Choice:
    if cell.limits and cell.headroom < DETECTABLE:
        return _too_near(cell.limits[0])
    length = int(cell.setting("queue", 0))
    longer = max(4 * length, 16)
    if fixed := cell.fixed("queue", longer) or cell.fixed("admission", "bounded"):
        return fixed
    change = f"a queue of {longer} requests instead of {length}, limited by its length alone"
    axes = {"admission": "bounded", "queue": str(longer)}
    return Remedy(change, axes, {}, None, (SOME_MORE, BEYOND * (cell.headroom or 2.0)))


def unproven(reason: str) -> Callable[[DiagnosedCell], Choice]:
    """Make the remedy of a cause that no change of a resource proves."""
    return lambda _: Unproven(reason)


def _expected(
    cell: DiagnosedCell, blamed: str, factors: Mapping[str, float]
) -> tuple[float, float] | Unproven:
    """Predict the ratio of capacities: the blamed limit times its factor, up to the next limit.

    At least half of that change should show. A cell that broke far below its limit, because bursts
    exceed a tight bound, may gain that distance as well.
    """
    rate, known = cell.evidence.rate, dict(cell.limits)
    known.setdefault(blamed, rate)  # it broke there, so the limit cannot be far
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


def judge(remedy: Remedy, measured: tuple[float, float]) -> Claim:
    """Compare the measured range of ratios with the prediction of a change.

    The claim stands if the two ranges overlap and the measured one excludes "no change"; otherwise
    it is withdrawn.
    """
    low, high = measured
    least, most = remedy.predicted
    overlaps = low <= most * (1 + TOLERANCE) and high >= least * (1 - TOLERANCE)
    moved = low > 1 if least > 1 else high < 1
    outcome = f"with {remedy.change}, capacity was {_range(low, high)}"
    expected = _range(least, most)
    if overlaps and moved:
        return Claim(True, measured, f"{outcome}, as predicted ({expected})")
    return Claim(False, measured, f"withdrawn: {outcome}, where {expected} was predicted")


def _range(low: float, high: float) -> str:
    if high == math.inf:
        return f"at least {low:.2f} {TIMES}"
    return f"{low:.2f}{DASH}{high:.2f} {TIMES}"
