"""What helps against a cause: the change of one resource, and by how much capacity should move.

The same change proves the cause: if the blamed resource is relieved alone, capacity has to move as
predicted. A control is a change that must not help.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loadtests.capacity.demands import Limit
from loadtests.cause.gain import BEYOND, DETECTABLE, MARGIN, SOME_MORE, gain
from loadtests.cause.symptoms import milliseconds
from loadtests.trial.evidence import Evidence
from loadtests.wording import DASH, TIMES, count_of, rate_text

FEW = 2  # threads: one computes while another waits
MEASURES = {"ms", "s", "KiB", "MiB", "%"}  # units of parameters that are not the size of a pool
ALIKE = 0.2  # of a size: how far the number of requests that it admits may be from it, as measured
POOLS = {"threads": "processes", "processes": "threads"}  # the other one
WORDS = {"workers": "server processes", "loops": "event loops"}  # of options


@dataclass(frozen=True, slots=True)
class Control:
    """A change of another resource than the blamed one, which must not help."""

    change: str
    axes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of one resource, and the range of ratios by which capacity should then change.

    `because` is the arithmetic behind it. A change that only proves the cause, because it makes
    things worse, has `advice`: what would help.
    """

    change: str
    axes: Mapping[str, str]  # options of the server
    parameters: Mapping[str, str]  # of the workload
    cores: int | None  # to which the server alone is restricted
    predicted: tuple[float, float]
    because: str = ""
    advice: str = ""
    control: Control | None = None


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why no change of a resource could prove a cause, and what would help nevertheless."""

    reason: str
    advice: str = ""
    control: Control | None = None


Choice = Remedy | Unproven


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
    workload: str = ""
    capacity: float | None = None  # as measured
    numbers: Mapping[str, float] = field(default_factory=dict)  # of the cause
    units: Mapping[str, str | None] = field(default_factory=dict)  # of the parameters

    def setting(self, name: str, default: float) -> float:
        value = self.settings.get(name, default)
        return value if isinstance(value, int | float) else default

    @property
    def rate(self) -> float:
        """The capacity, or else the rate at which it broke."""
        return self.capacity or self.evidence.rate

    @property
    def headroom(self) -> float:
        """How many times that rate the limits allow; 0 where that is unknown."""
        least = min((limit.rate for limit in self.limits), default=0.0)
        return least / self.rate if self.rate > 0 else 0.0

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


def recorded(chosen: Choice, cell: DiagnosedCell) -> dict[str, Any]:
    """Return a remedy as plain data: the option that a user would type, and what it should give.

    Where no change helps, it is the reason, and the advice if there is some.
    """
    if isinstance(chosen, Unproven) or chosen.advice:
        reason = chosen.reason if isinstance(chosen, Unproven) else chosen.advice
        return {"reason": reason, "advice": chosen.advice}
    words = [f"--{name.replace('_', '-')} {value}" for name, value in chosen.axes.items()]
    words += [f"--param {cell.workload}.{item}={to}" for item, to in chosen.parameters.items()]
    option, (low, high) = " ".join(words), chosen.predicted
    sentence = f"`{option}`: {low:.1f}{DASH}{high:.1f} {TIMES} as much (estimate)"
    return {
        "change": chosen.change,
        "option": option,
        "axes": dict(chosen.axes),
        "parameters": dict(chosen.parameters),
        "predicted": [round(low, 3), round(high, 3)],
        "because": chosen.because,
        "sentence": f"{chosen.because}; {sentence}" if chosen.because else sentence,
    }


def larger_pool(cell: DiagnosedCell) -> Choice:
    """Double the pool; of two, the one where requests spend more of their time."""
    sizes, stages = cell.sizes, cell.evidence.typical
    if not sizes:
        slots = count_of(cell.evidence.slots or 0, "slot")
        return Unproven(f"no option is known that sizes the {slots} of {cell.model}")
    waits = stages is not None and stages.off_cpu >= stages.on_cpu
    option = "threads" if len(sizes) > 1 and waits else sizes[-1]
    return _doubled(cell, option, "slots", {"slots": 2.0}, control=_other_pool(cell, option))


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
    because = "the event loop waits for the GIL while threads hold it"
    return Remedy(change, axes, {}, None, predicted, because, control=_own_pool(cell))


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
        return _doubled(cell, "loops", limit, {"loop": 2.0}, halves, control=_own_pool(cell))
    both = {"loop": 2.0, "gil": 2.0}
    return _doubled(cell, "workers", limit, both, halves, control=_own_pool(cell))


def _own_pool(cell: DiagnosedCell) -> Control | None:
    """Double the pool of the model, which is not to blame; of a model without one, any pool."""
    return _pool_of(cell, [*cell.sizes, *POOLS])


def _other_pool(cell: DiagnosedCell, option: str) -> Control | None:
    """Double the pool that is not to blame."""
    return _pool_of(cell, [POOLS[option]] if option in POOLS else [])


def _pool_of(cell: DiagnosedCell, options: Sequence[str]) -> Control | None:
    for option in options:
        size = int(cell.setting(option, 0))
        if size and not cell.fixed(option, 2 * size):
            return Control(f"{2 * size} {option} instead of {size}", {option: str(2 * size)})
    return None


def _doubled(  # noqa: PLR0913 - what is doubled, and what should follow
    cell: DiagnosedCell,
    option: str,
    limit: str,
    factors: Mapping[str, float],
    beside: Mapping[str, int] | None = None,
    *,
    control: Control | None,
) -> Choice:
    size = int(cell.setting(option, 1))
    if fixed := cell.fixed(option, 2 * size):
        return fixed
    expected = _expected(cell, limit, factors)
    if isinstance(expected, Unproven):
        return replace(expected, control=control)
    change = f"{2 * size} {WORDS.get(option, option)} instead of {size}"
    if beside:
        change += f", with pools of {' and '.join(f'{n} {name}' for name, n in beside.items())}"
    axes = {option: 2 * size, **(beside or {})}
    texts = {name: str(n) for name, n in axes.items()}
    because = _arithmetic(cell, limit, option)
    return Remedy(change, texts, {}, None, expected, because, control=control)


def _arithmetic(cell: DiagnosedCell, limit: str, option: str) -> str:
    """Say where the blamed resource ends: "16 threads ÷ 10 ms end at 1560/s"."""
    rate = dict(cell.limits).get(limit)
    if not rate:
        return ""
    names = {"gil": ("GIL", cell.evidence.servers), "loop": ("event loop", cell.evidence.loops)}
    name, units = names.get(limit, (option, int(cell.setting(option, 1))))
    several = name if name == option else f"{name}s"
    what = f"{units} {several}" if units > 1 else f"1 {name}"
    end = "end" if units > 1 else "ends"
    return f"{what} ÷ {milliseconds(units / rate)} {end} at {rate_text(rate)}/s"


def fewer_threads(cell: DiagnosedCell) -> Choice:
    """Let fewer threads contend for the GIL; a request needs it for as long as it computes."""
    threads, stages = int(cell.setting("threads", 1)), cell.evidence.typical
    control = _pool_of(cell, ["threads"])
    instead = "processes, each with a GIL of its own (process-pool), or fewer threads"
    if "threads" not in cell.sizes or threads <= FEW:
        return Unproven(f"{count_of(threads, 'thread')} are few already", instead, control)
    if fixed := cell.fixed("threads", FEW):
        return replace(fixed, advice=instead)
    most = 1 / (stages.on_cpu * cell.rate) if stages and stages.on_cpu > 0 and cell.rate else 0.0
    if most < DETECTABLE:
        return Unproven("one GIL allows no more, with however few threads", instead, control)
    change, because = f"{FEW} threads instead of {threads}", "each hand-over of the GIL costs time"
    predicted = (SOME_MORE, (1 + MARGIN) * most)
    return Remedy(change, {"threads": str(FEW)}, {}, None, predicted, because, control=control)


def less_contention(cell: DiagnosedCell) -> Choice:
    """Enlarge what a parameter of the work limits, or say that more of the pool does not help."""
    own, admitted = _own_pool(cell), round(cell.numbers.get("inside", 0.0))
    more = f"more {next(iter(own.axes))}" if own else "a larger pool"
    if inner := _inner_pool(cell):
        name, size = inner
        expected = _expected(cell, "admitted", {"admitted": 2.0})
        if isinstance(expected, Unproven):
            return replace(expected, control=own)
        what = f"{size} {cell.units.get(name) or name}"
        held = milliseconds(size / cell.rate)
        because = (
            f"requests wait for one of {what}: {what} ÷ {held} end at {rate_text(cell.rate)}/s"
        )
        change = f"`{name}` = {2 * size} instead of {size}"
        return Remedy(change, {}, {name: str(2 * size)}, None, expected, because, control=own)
    pool = f"the connection pool of {admitted}" if admitted > 1 else "the connection pool"
    advice = f"{more} will not help: shorten what holds the lock, or enlarge {pool}"
    reason = "requests wait inside the work, for something that no option of the server enlarges"
    return Unproven(reason, advice, own)


def _inner_pool(cell: DiagnosedCell) -> tuple[str, int] | None:
    """Find the parameter that is as large as the number of requests that the work admits."""
    inside = cell.numbers.get("inside", 0.0) / max(cell.evidence.servers, 1)
    sizes = [
        (name, int(str(value)))
        for name, value in cell.parameters.items()
        if str(value).isdecimal() and cell.units.get(name) not in MEASURES
    ]
    alike = [(name, size) for name, size in sizes if abs(inside - size) <= ALIKE * size]
    return alike[0] if len(alike) == 1 and alike[0][1] > 1 else None


def fewer_cores(cell: DiagnosedCell) -> Choice:
    """Halve the cores of the server: more of them cannot be had."""
    cores = cell.evidence.cores
    advice, control = "only more cores, or less computing per request, help", _own_pool(cell)
    if cores < 2:
        return Unproven("there is only one core, so none can be taken away", advice, control)
    half = int(cores // 2)
    expected = _expected(cell, "cores", {"cores": half / cores})
    if isinstance(expected, Unproven):
        return replace(expected, advice=advice, control=control)
    change = f"{half} of {cores} cores for the server"
    return Remedy(change, {}, {}, half, expected, advice=advice, control=control)


def smaller_payload(cell: DiagnosedCell) -> Choice:
    kib = cell.parameters.get("kib")
    if not isinstance(kib, int | float | str) or not str(kib).isdecimal() or int(kib) < 2:
        return Unproven("the workload has no parameter `kib` that halves its payload")
    half = str(int(kib) // 2)
    change = f"half the payload ({half} instead of {kib} KiB)"
    because = "carrying the data costs more than the work"
    predicted = (DETECTABLE, 2 * (1 + MARGIN))
    return Remedy(change, {}, {"kib": half}, None, predicted, because, control=_own_pool(cell))


def longer_queue(cell: DiagnosedCell) -> Choice:
    if cell.limits and cell.headroom < DETECTABLE:
        return _too_near(cell.limits[0])
    length = int(cell.setting("queue", 0))
    longer = max(4 * length, 16)
    if fixed := cell.fixed("queue", longer) or cell.fixed("admission", "bounded"):
        return fixed
    change = f"a queue of {longer} requests instead of {length}, limited by its length alone"
    axes = {"admission": "bounded", "queue": str(longer)}
    predicted = (SOME_MORE, BEYOND * (cell.headroom or 2.0))
    return Remedy(change, axes, {}, None, predicted)


def unproven(reason: str, advice: str = "") -> Callable[[DiagnosedCell], Choice]:
    """Make the remedy of a cause that no change of a resource proves."""
    return lambda _: Unproven(reason, advice)


def _expected(
    cell: DiagnosedCell, blamed: str, factors: Mapping[str, float]
) -> tuple[float, float] | Unproven:
    """Predict the ratio of capacities, unless the next limit is too near for a change to show."""
    ratios = gain(cell.evidence, cell.limits, cell.rate, blamed, factors)
    return _too_near(ratios) if isinstance(ratios, Limit) else ratios


def _too_near(limit: Limit) -> Unproven:
    rate = rate_text(limit.rate)
    return Unproven(f"the next limit is too near for a change to show: {limit.name} at {rate}/s")
