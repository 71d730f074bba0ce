"""What happened to cells beyond their capacity: in tables, in sentences and in a few words."""

from collections.abc import Callable, Iterator, Mapping

from loadtests.cell import Cell
from loadtests.report.summary import Summary
from loadtests.report.survival.matrix import ABSENT, Entry
from loadtests.run.file.lines import Line
from loadtests.wording import DASH, TIMES, count_of, listing, percent

HEALTH = "/health"
PEAKS = dict.fromkeys(("overload", "spike", "faults"))  # in this order
WATCHED = {  # what a soak watches → its name and its unit
    "pss_mib": ("memory", " MiB"),
    "threads": ("the number of threads", ""),
    "processes": ("the number of processes", ""),
    "descriptors": ("the number of descriptors", ""),
    "p50_ms": ("the median response time", " ms"),
}
AT_ONCE_S = 0.05
SOON_S = 0.5  # after a surge, which counts as at once
COLLAPSE = 0.8  # of the goodput: a model that keeps less beyond its capacity gets a sentence
STARVED = 0.01  # of the bystander's requests: the loss at which an objective of 99 % fails
SPREAD = 0.1  # between the models of a workload: a difference that is worth a sentence


def peaks_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show each cell under overload, a spike and faults; empty where that was not measured."""
    known = {cell.cell: summary.beyond.get(cell.cell, {}) for cell in summary.cells}
    if not any(kinds.keys() & PEAKS for kinds in known.values()):
        return {}
    return {
        cell: _peak(kinds) if kinds.keys() & PEAKS else Entry(ABSENT, style="dim")
        for cell, kinds in known.items()
    }


def overload_notes(summary: Summary) -> Iterator[str]:
    """Name the models that collapse beyond the peak, or differ much from each other."""
    factor = summary.constants.overload[-1]
    for workload in dict.fromkeys(cell.workload for cell in summary.cells):
        loads = {
            cell.row: load
            for cell, overload in measured("overload", summary).items()
            for load in overload.get("loads", ())
            if cell.workload == workload and load["factor"] == factor and "kept" in load
        }
        ranked = sorted(loads, key=lambda row: float(loads[row]["kept"]))
        if not ranked:
            continue
        worst, best = loads[ranked[0]], loads[ranked[-1]]
        if worst["kept"] >= COLLAPSE and best["kept"] - worst["kept"] < SPREAD:
            continue
        other = f", {ranked[-1]} {kept(best)}{_at_whose_cost(best)}" if best is not worst else ""
        yield (
            f"Beyond the peak of `{workload}`: at {factor:g} {TIMES}, {ranked[0]} keeps "
            f"{kept(worst)} of its goodput{other}."
        )


def interference_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show how a load slows down others: a row for each load, a column for each stream."""
    bound_ms = 1e3 * summary.slo.bound_s
    return {
        Cell(stream, f"{cell.workload} under {cell.row}"): _delayed(counts, bound_ms)
        for cell, bystanders in measured("bystanders", summary).items()
        for stream, counts in bystanders.get("beside", {}).items()
    }


def interference_notes(summary: Summary) -> Iterator[str]:
    return unmeasured("bystanders", summary)


def soak_notes(summary: Summary) -> Iterator[str]:
    """Report what drifted in a soak, what was lost, and why a soak is missing."""
    soaks = {cell: soak for cell, soak in measured("soak", summary).items() if "drift" in soak}
    allowed = summary.slo.loss_ratio
    for cell, soak in soaks.items():
        where = f"Soak of `{cell.workload}` under {cell.row}"
        if soak["loss_ratio"] > allowed:
            yield f"{where}: {percent(soak['loss_ratio'])} of the requests were lost."
        for name, drift in soak["drift"].items():
            if drifts(drift):
                quantity, unit = WATCHED[name]
                slope, (low, high) = drift["per_minute"], drift["interval"]
                yield (
                    f"{where}: {quantity} {'grows' if slope > 0 else 'falls'} by "
                    f"{abs(slope):.2g}{unit} a minute (95 %: {low:.2g} to {high:.2g})."
                )
    steady = [
        cell
        for cell, soak in soaks.items()
        if soak["loss_ratio"] <= allowed
        and not any(map(drifts, soak["drift"].values()))
        and any(drift and None not in drift["interval"] for drift in soak["drift"].values())
    ]
    if steady:
        yield f"Soak: no drift beyond noise in {count_of(len(steady), 'cell')}."
    yield from unmeasured("soak", summary)


def brief(kind: str, line: Line) -> str:
    """Sum up one measurement beyond the peak, or say why there is none."""
    return str(line["reason"]) if "reason" in line else BRIEFS[kind](line)


def again_text(recovery_s: float | None, watched_s: float) -> str:
    """Say how soon after a surge the objective was met again."""
    if recovery_s is None:
        return f"never, within {watched_s:g} s"
    return "at once" if recovery_s < SOON_S else f"{recovery_s:.1f} s later"


def kept(load: Line) -> str:
    return percent(load["kept"]) if "kept" in load else ABSENT


def drifts(drift: Line | None) -> bool:
    return bool(drift and drift["distinguishable"])


def _peak(kinds: Mapping[str, Line]) -> Entry:
    shown = [kind for kind in PEAKS if kind in kinds]
    reasons = {kind: kinds[kind]["reason"] for kind in shown if "reason" in kinds[kind]}
    loads = kinds.get("overload", {}).get("loads", ())
    for load in loads:
        if "reason" in load:
            reasons["overload"] = load["reason"]
    small = [
        f"{kind} {brief(kind, kinds[kind])}"
        for kind in shown
        if kind != "overload" and kind not in reasons
    ]
    lost = max((load.get("bystander_lost", 0.0) for load in loads), default=0.0)
    if lost > STARVED:
        small.append(f"{HEALTH} {DASH}{percent(lost)}")
    same = len(reasons) == len(shown) and len(set(reasons.values())) == 1
    notes = [reason if same else f"{kind}: {reason}" for kind, reason in reasons.items()]
    return Entry(
        " · ".join(map(kept, loads)) or ABSENT,
        "\n".join(small),
        note="; ".join(dict.fromkeys(notes)) or None,
    )


def _delayed(counts: Line, bound_ms: float) -> Entry:
    p99 = counts["p99_ms"]
    if p99 is None:
        return Entry(f"{percent(counts['lost'])} lost", style="yellow")
    return Entry(f"{p99:.{0 if p99 >= 9.95 else 1}f}", style="yellow" if p99 > bound_ms else "")


def _at_whose_cost(load: Line) -> str:
    lost = load["bystander_lost"]
    return f" (but {percent(lost)} of {HEALTH} is lost)" if lost > STARVED else ""


def unmeasured(kind: str, summary: Summary) -> Iterator[str]:
    """Give the reasons that have no place in a table."""
    reasons: dict[str, list[str]] = {}
    for cell, line in measured(kind, summary).items():
        if "reason" in line:
            reasons.setdefault(line["reason"], []).append(f"`{cell.workload}`/{cell.row}")
    for reason, cells in reasons.items():
        yield f"No {kind} of {listing(cells)}: {reason.rstrip('.')}."


def measured(kind: str, summary: Summary) -> dict[Cell, Line]:
    lines = {cell.cell: summary.beyond.get(cell.cell, {}).get(kind) for cell in summary.cells}
    return {cell: line for cell, line in lines.items() if line}


def _overload(line: Line) -> str:
    return ", ".join(f"{load['factor']:g} {TIMES} {kept(load)}" for load in line["loads"])


def _soak(line: Line) -> str:
    names = [WATCHED[name][0] for name, drift in line["drift"].items() if drifts(drift)]
    return f"{', '.join(names)} drifted" if names else "no drift"


def _bystanders(line: Line) -> str:
    slow = [name for name, counts in line["beside"].items() if counts["lost"] > STARVED]
    return f"{', '.join(slow)} starved" if slow else "none starved"


def _surge(line: Line) -> str:
    """Say for each policy when the objective was met again."""
    watched_s = line["step_s"] * line["windows"][-1]
    again = {
        policy["policy"]: ABSENT
        if "reason" in policy
        else again_text(policy["recovery_s"], watched_s)
        for policy in line["policies"]
    }
    return ", ".join(f"{policy} {end}" for policy, end in again.items())


def _spike(line: Line) -> str:
    recovery = line["recovery_s"]
    if recovery is None:
        return f"> {line['watched_s']:g} s"
    few = line.get("requests", 0) < line.get("needed", 0)
    text = f"{recovery:.1f} s" if recovery > AT_ONCE_S else "0 s"
    return f"{text} (of {line['requests']:,} requests)" if few else text


BRIEFS: Mapping[str, Callable[[Line], str]] = {
    "overload": _overload,
    "spike": _spike,
    "soak": _soak,
    "faults": kept,
    "bystanders": _bystanders,
    "surge": _surge,
}
