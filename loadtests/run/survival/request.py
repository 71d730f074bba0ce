"""What a survival run was asked for, as its run file says it; and whether two ask for the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loadtests.run.beyond.kinds import chosen_kinds, expected_s, written
from loadtests.run.options import SEARCHES, Options
from loadtests.service.workload_modules import located

SAME = ("slo", "mode", "seed", "cells")  # or it is another run
MAY_DIFFER = {"budget", "generators"}
MAY_GROW = {"searches", "prove", "beyond"}
WITHOUT = "without"


def asked(options: Options, host: str | None, generators: int) -> dict[str, Any]:
    """Return these fields of the first line; `summary.command` repeats the arguments."""
    servers = options.servers
    named = {located(workload, servers.folder) for workload in options.workloads}
    return {
        "arguments": {
            "workloads": [*options.workloads, *(m for m in servers.modules if m not in named)],
            "models": list(options.models),
            "param": [
                f"{workload}.{name}={value}"
                for workload, values in options.parameters.items()
                for name, value in values.items()
            ],
            "host": host,
            "beyond": written(options.beyond, options.mode),
            "searches": options.searches if options.searches != SEARCHES[options.mode] else None,
            "budget": f"{options.budget_s:g}s" if options.budget_s else None,
            "prove": options.prove,
            **servers.axes,
            **({"generators": generators} if generators > 1 else {}),
            "server_python": [python.name for python in servers.pythons if python.name],
        },
        "seed": options.seed,
        "slo": str(options.slo),
        "mode": options.mode,
        "searches": options.searches,
        "beyond_s": expected_s(options.beyond),
    }


def different(begun: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Name what a run was begun with that is asked for no more, and what stands in its place.

    More of the same is no other run: further searches, a proof, further trials beyond the peak.
    """
    for name in SAME:
        if name in now and begun.get(name) != now[name]:
            yield "other cells" if name == "cells" else _said(name, begun.get(name), now[name])
    before, after = begun.get("arguments") or {}, now["arguments"]
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name) or None, after.get(name) or None
        if name not in MAY_DIFFER | MAY_GROW and old != new:
            yield _said(name, old, new)
    searches = int(begun.get("searches", 1))
    if now["searches"] < searches:
        yield _said("searches", searches, now["searches"])
    if before.get("prove") and not after.get("prove"):
        yield _said("prove", None, None)
    yield from _beyond(before, after, str(begun.get("mode")))


def _beyond(before: Mapping[str, Any], after: Mapping[str, Any], mode: str) -> Iterator[str]:
    old, new = (chosen_kinds(one.get("beyond") or (), mode) for one in (before, after))
    lacking = {kind: seconds for kind, seconds in old.items() if new.get(kind) != seconds}
    if lacking:
        instead = {kind: new[kind] for kind in lacking if kind in new}
        yield _said(
            "beyond", *([f"{k}={s:g}s" for k, s in one.items()] for one in (lacking, instead))
        )


def _kinds(beyond: Mapping[str, float]) -> list[str]:
    return [f"{kind}={seconds:g}s" for kind, seconds in beyond.items()]


def _said(name: str, old: object, new: object) -> str:
    flag = f"--{name.replace('_', '-')}"
    if name == "mode":
        return f"--{old} (now --{new})"
    if name == "prove" or not old:
        return f"{flag} (now {WITHOUT})" if name == "prove" else f"no {flag} (now {_value(new)})"
    return f"{flag} {_value(old)} (now {_value(new)})"


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or WITHOUT
    return WITHOUT if value in {None, ""} else str(value)
