"""Tell modules of one's own from names of workloads: `--workloads` takes both."""

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
    """Write a file with its whole path; a dotted name stays as it is."""
    is_file = module.endswith(".py") or "/" in module
    return str(directory / Path(module).expanduser()) if is_file else module


def modules(values: Iterable[str], directory: Path) -> tuple[str, ...]:
    """Pick the modules, as the server is told of them. Raises ServiceError for a missing file."""
    found = [located(value, directory) for value in values if is_module(value)]
    for module in found:
        if Path(module).is_absolute() and not Path(module).is_file():
            raise ServiceError(
                f"there is no file {module}; --workloads takes names of workloads, Python files "
                "and dotted modules"
            )
    return tuple(dict.fromkeys(found))


def chosen(values: Iterable[str], found: Discovery, directory: Path) -> list[str]:
    """List the workloads that are meant: by name, by the module that they are in, or all.

    Raises ServiceError for a name that is unknown, and for a module that declares none.
    """
    names: list[str] = []
    for value in values:
        if value == ALL:
            names += found.workloads
        elif is_module(value):
            names += _inside(located(value, directory), found)
        else:
            names.append(_named(value, found, directory))
    return list(dict.fromkeys(names))


def _inside(module: str, found: Discovery) -> list[str]:
    names = [name for name, one in found.workloads.items() if one.get("source") == module]
    if not names:
        raise ServiceError(f"{module} declares no workload; decorate a function with @workload(…)")
    return names


def _named(name: str, found: Discovery, directory: Path) -> str:
    if name not in found.workloads and (directory / f"{name}.py").is_file():
        raise ServiceError(f"there is no workload {name!r}; for the module here write ./{name}.py")
    found.check_workload(name)
    return name
