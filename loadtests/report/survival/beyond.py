"""What became of cells beyond their peak: two tables, and sentences where they tell something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.cell import Cell
from loadtests.report.survival.brief import WATCHED, brief, drifts, kept
from loadtests.report.survival.matrix import ABSENT, Entry
from loadtests.slo import Slo
from loadtests.wording import DASH, TIMES, count_of, listing, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loadtests.report.summary import Summary
    from loadtests.run.file.lines import Line

HEALTH = "/health"
CORNER = f"1.5 {TIMES} · 2 {TIMES}"
TITLE = (
    f"Beyond the peak: goodput at 1.5 {TIMES} and 2 {TIMES} capacity, as a share of the peak; "
    "below it, time until the objective holds after a spike, goodput kept while workers are "
    "killed, and the share of /health that the overload lost"
)
STARVED = (
    "Who starves whom: p99 in ms of /health and of a tiny request under each model, while the "
    "server is offered 80 % of what the row bears"
)
COLLAPSE = 0.8  # of the goodput: who keeps less past the peak has a sentence
TELLING = 0.01  # of the bystander: what an objective of 99 % cannot bear
SPREAD = 0.1  # between the models of a workload that is worth one


def peaks_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show each cell past its peak; empty where that was not measured."""
    found = {cell.cell: summary.beyond.get(cell.cell) for cell in summary.cells}
    if not any(one and one.keys() - {"bystanders", "soak"} for one in found.values()):
        return {}
    return {cell: _entry(one) if one else Entry(ABSENT, style="dim") for cell, one in found.items()}


def starved_of(summary: Summary) -> Mapping[Cell, Entry]:
    """Show who was starved by which load: a row for each load, a column for each stream."""
    bound_ms = 1e3 * Slo.parse(summary.slo).bound_s
    return {
        Cell(stream, f"{cell.workload} under {cell.row}"): _starved(one, bound_ms)
        for cell, found in _of("bystanders", summary).items()
        for stream, one in found.get("beside", {}).items()
    }


def sentences(summary: Summary) -> list[str]:
    """Say of each workload what the tables show, and of the soaks whether anything drifted."""
    workloads = dict.fromkeys(cell.workload for cell in summary.cells)
    said = [one for workload in workloads if (one := _past_the_peak(summary, workload))]
    return [*said, *_soaks(summary), *_unmeasured(summary)]


def _entry(kinds: Mapping[str, Line]) -> Entry:
    shown = [kind for kind in ("overload", "spike", "faults") if kind in kinds]
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
    starved = max((load.get("bystander_lost", 0.0) for load in loads), default=0.0)
    if starved > TELLING:
        small.append(f"{HEALTH} {DASH}{percent(starved)}")
    same = len(reasons) == len(shown) and len(set(reasons.values())) == 1
    why = [reason if same else f"{kind}: {reason}" for kind, reason in reasons.items()]
    return Entry(
        " · ".join(map(kept, loads)) or ABSENT,
        "\n".join(small),
        note="; ".join(dict.fromkeys(why)) or None,
    )


def _starved(one: Line, bound_ms: float) -> Entry:
    p99 = one["p99_ms"]
    if p99 is None:
        return Entry(f"{percent(one['lost'])} lost", style="yellow")
    return Entry(f"{p99:.{0 if p99 >= 9.95 else 1}f}", style="yellow" if p99 > bound_ms else "")


def _past_the_peak(summary: Summary, workload: str) -> str:
    loads = {
        cell.row: load
        for cell, found in _of("overload", summary).items()
        for load in found.get("loads", ())
        if cell.workload == workload and load["factor"] == 2 and "kept" in load
    }
    ranked = sorted(loads, key=lambda row: float(loads[row]["kept"]))
    if not ranked:
        return ""
    worst, best = loads[ranked[0]], loads[ranked[-1]]
    if worst["kept"] >= COLLAPSE and best["kept"] - worst["kept"] < SPREAD:
        return ""
    other = f", {ranked[-1]} {kept(best)}{_at_whose_cost(best)}" if best is not worst else ""
    return (
        f"Past the peak of `{workload}`: at 2 {TIMES}, {ranked[0]} keeps {kept(worst)} of its "
        f"goodput{other}."
    )


def _at_whose_cost(load: Line) -> str:
    lost = load["bystander_lost"]
    return f" (but {percent(lost)} of {HEALTH} is lost)" if lost > TELLING else ""


def _soaks(summary: Summary) -> Iterator[str]:
    soaks = {cell: one for cell, one in _of("soak", summary).items() if "drift" in one}
    allowed = Slo.parse(summary.slo).loss_ratio
    for cell, soak in soaks.items():
        if soak["loss_ratio"] > allowed:
            lost = percent(soak["loss_ratio"])
            yield f"Soak of `{cell.workload}` under {cell.row}: {lost} of the requests were lost."
        for name, one in soak["drift"].items():
            if drifts(one):
                what, unit = WATCHED[name]
                low, high = one["interval"]
                yield (
                    f"Soak of `{cell.workload}` under {cell.row}: {what} "
                    f"{'grows' if one['per_minute'] > 0 else 'falls'} by "
                    f"{abs(one['per_minute']):.2g}{unit} a minute (95 %: {low:.2g} to {high:.2g})."
                )
    still = [
        cell
        for cell, soak in soaks.items()
        if soak["loss_ratio"] <= allowed
        and not any(map(drifts, soak["drift"].values()))
        and any(one and None not in one["interval"] for one in soak["drift"].values())
    ]
    if still:
        yield f"Soak: nothing drifts that can be told from noise in {count_of(len(still), 'cell')}."


def _unmeasured(summary: Summary) -> Iterator[str]:
    """Give the reasons that have no place in a table."""
    for kind in ("soak", "bystanders"):
        reasons: dict[str, list[str]] = {}
        for cell, found in _of(kind, summary).items():
            if "reason" in found:
                reasons.setdefault(found["reason"], []).append(f"`{cell.workload}`/{cell.row}")
        for reason, cells in reasons.items():
            yield f"No {kind} of {listing(cells)}: {reason.rstrip('.')}."


def _of(kind: str, summary: Summary) -> dict[Cell, Line]:
    found = {cell.cell: summary.beyond.get(cell.cell, {}).get(kind) for cell in summary.cells}
    return {cell: one for cell, one in found.items() if one}
