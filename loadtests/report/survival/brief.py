"""Each trial beyond the peak in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.survival.matrix import ABSENT
from loadtests.wording import TIMES, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loadtests.run.file.lines import Line

WATCHED = {  # what a soak watches → its name, and its unit
    "pss_mib": ("memory", " MiB"),
    "threads": ("the number of threads", ""),
    "processes": ("the number of processes", ""),
    "descriptors": ("the number of descriptors", ""),
    "p50_ms": ("the median response time", " ms"),
}
AT_ONCE_S = 0.05


def brief(kind: str, found: Line) -> str:
    """Say what was found, or why nothing was."""
    return str(found["reason"]) if "reason" in found else _BRIEFS[kind](found)


def kept(load: Line) -> str:
    """Say how much of its goodput a cell keeps under one overload."""
    return percent(load["kept"]) if "kept" in load else ABSENT


def drifts(one: Line | None) -> bool:
    return bool(one and one["distinguishable"])


def _overload(found: Line) -> str:
    return ", ".join(f"{load['factor']:g} {TIMES} {kept(load)}" for load in found["loads"])


def _spike(found: Line) -> str:
    recovery = found["recovery_s"]
    if recovery is None:
        return f"> {found['watched_s']:g} s"
    few = found.get("requests", 0) < found.get("needed", 0)
    said = f"{recovery:.1f} s" if recovery > AT_ONCE_S else "0 s"
    return f"{said} (of {found['requests']:,} requests)" if few else said


def _soak(found: Line) -> str:
    drifting = [WATCHED[name][0] for name, one in found["drift"].items() if drifts(one)]
    return f"{', '.join(drifting)} drifted" if drifting else "no drift"


def _faults(found: Line) -> str:
    return percent(found["kept"])


def _bystanders(found: Line) -> str:
    slow = [name for name, one in found["beside"].items() if one["lost"] > 0.01]
    return f"{', '.join(slow)} starved" if slow else "nobody starved"


_BRIEFS: Mapping[str, Callable[[Line], str]] = {
    "overload": _overload,
    "spike": _spike,
    "soak": _soak,
    "faults": _faults,
    "bystanders": _bystanders,
}
