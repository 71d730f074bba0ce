"""Distinguish the user's modules from names of workloads: `--workloads` takes both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loadtests.errors import ServiceError
from loadtests.service.contract import Discovery

ALL = "all"


def is_module(value: str) -> bool:
    """Whether it is a file or a dotted name; a workload is a plain word."""
    return "." in value or "/" in value


def located(module: str, directory: Path) -> str:
    """Return the absolute path of a file; a dotted name stays as it is."""
    is_file = module.endswith(".py") or "/" in module
    return str(directory / Path(module).expanduser()) if is_file else module


def modules(values: Iterable[str], directory: Path) -> tuple[str, ...]:
    """Pick the modules for the server. Raises ServiceError for a missing file."""
    names = [located(value, directory) for value in values if is_module(value)]
    for module in names:
        if Path(module).is_absolute() and not Path(module).is_file():
            raise ServiceError(
                f"file {module} not found; --workloads takes names of workloads, Python files "
                "and dotted modules"
            )
    return tuple(dict.fromkeys(names))


def chosen(values: Iterable[str], offered: Discovery, directory: Path) -> list[str]:
    """List the chosen workloads: by name, by the module that they are in, or all.

    Raises ServiceError for an unknown name, and for a module without workloads.
    """
    names: list[str] = []
    for value in values:
        if value == ALL:
            names += offered.workloads
        elif is_module(value):
            names += _inside(located(value, directory), offered)
        else:
            names.append(_named(value, offered, directory))
    return list(dict.fromkeys(names))


def _inside(module: str, offered: Discovery) -> list[str]:
    names = [
        name for name, described in offered.workloads.items() if described.get("source") == module
    ]
    if not names:
        raise ServiceError(f"{module} declares no workload; decorate a function with @workload(…)")
    return names


def _named(name: str, offered: Discovery, directory: Path) -> str:
    if name not in offered.workloads and (directory / f"{name}.py").is_file():
        raise ServiceError(f"unknown workload {name!r}; for the module here, write ./{name}.py")
    offered.check_workload(name)
    return name
