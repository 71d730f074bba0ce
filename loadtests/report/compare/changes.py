"""What differs between runs: their options, their machines, and their software."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loadtests.report.compare.comparison import Side

UNKNOWN = "—"
# Different each time, or shown elsewhere: cells are the rows of the comparison, for example.
LEFT_OUT = {
    *("project", "platform", "load_average", "warnings", "server", "servers"),
    *("workloads", "models", "server_python", "output", "budget", "prove", "beyond"),
}
NAMES = {
    "python": "Python",
    "gil": "GIL",
    "free_threaded_build": "free-threaded build",
    "loop": "event loop",
    "workers": "server processes",
    "loops": "event loops",
    "slo": "objective",
    "param": "parameters",
    "host": "running service",
    "cpu": "CPU",
    "version": "version of loadbearing",
}
UNITS = {"_s": "s", "_ms": "ms", "_gib": "GiB", "_mib": "MiB"}
OF_THE_TESTS = {"python", "implementation", "gil"}  # the server has its own


def changes(sides: Sequence[Side]) -> dict[str, tuple[str, ...]]:
    """Map what is known to differ in the options, the server and the machine to its values."""
    facts = [dict(_facts(side)) for side in sides]
    names = dict.fromkeys(name for known in facts for name in known)
    every = {name: tuple(known.get(name, UNKNOWN) for known in facts) for name in names}
    return {name: values for name, values in every.items() if len(set(values)) > 1}


def _facts(side: Side) -> Iterator[tuple[str, str]]:
    plan, pythons = side.run.plan, side.pythons
    reported = {name.removesuffix("_s") for server in pythons.values() for name in server}
    options = {name: value for name, value in plan.arguments.items() if name not in reported}
    more = {"slo": str(plan.slo), "mode": plan.mode, "seed": plan.seed}
    yield from _flat(options | more)
    for label, server in pythons.items():
        suffix = f" ({label})" if len(pythons) > 1 else ""
        for name, value in _flat(server):
            yield f"{'cores of the server' if name == 'cores' else name}{suffix}", value
    yield from _flat(
        {name: value for name, value in plan.environment.items() if name not in OF_THE_TESTS}
    )
    for name in sorted(OF_THE_TESTS & plan.environment.keys()):
        yield f"{_readable(name)} of the load tests", _text(plan.environment[name])


def _flat(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List facts by their readable names; names of packages stay as they are."""
    for name, value in facts.items():
        if isinstance(value, Mapping) and name not in LEFT_OUT:
            yield from ((str(package), _text(version)) for package, version in value.items())
        elif name not in LEFT_OUT:
            yield _readable(name), _text(value)


def _readable(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    ending = next((ending for ending in UNITS if name.endswith(ending)), None)
    unit = f" ({UNITS[ending]})" if ending else ""
    return name.removesuffix(ending or "").replace("_", " ") + unit


def _text(value: object) -> str:
    if value is None or value in ("", [], ()):
        return UNKNOWN
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
