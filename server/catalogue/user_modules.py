"""Workloads that users bring: their module is imported as workers will import it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Container
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from server.catalogue.declarations import check
from server.errors import closest
from server.worker.imports import load as import_module
from server.worker.imports import watched, where
from server.worker.outcomes import raised
from server.workloads.registry import REGISTRY, WorkloadError

NOWHERE = "nowhere"
PACKAGE = "__init__.py"
FRAMEWORKS = {"aiohttp", "bottle", "django", "fastapi", "flask", "litestar", "quart", "starlette"}
DECORATE = 'put `@workload(kind="cpu")` above a function (or "io", "mixed")'


def load(given: str, reserved: Container[str] = (), built_in: Container[str] = ()) -> str:
    """Import the module that a user names, check its workloads, and return its own name.

    `given` is a dotted name or a file's path; `reserved` are names that no workload may have, and
    `built_in` those of our own. Raises WorkloadError with a line for each problem, and with file
    and line of the code where they are known.
    """
    is_path = given.endswith(".py") or os.sep in given
    name = _from_path(given) if is_path else _from_name(given)
    if name in built_in and _origin(name) == NOWHERE:
        raise WorkloadError(
            f"{given!r} is built in: the server has it without --workloads, which takes modules "
            "or files with workloads of your own"
        )
    before = dict(REGISTRY)
    _import(name, given)
    changed = {key: now for key, now in REGISTRY.items() if now is not before.get(key)}
    for key in changed.keys() - before.keys():
        REGISTRY[key] = replace(REGISTRY[key], source=given)
    check(changed.values(), reserved)
    if not changed and all(known.function.__module__ != name for known in REGISTRY.values()):
        here = getattr(sys.modules[name], "__file__", None) or given
        raise WorkloadError(f"{here}: it has no workload; {_app_in(name)}{DECORATE}")
    return name


def _from_path(given: str) -> str:
    """Make a file, or the folder of a package, importable by its plain name."""
    path = Path(given).parent.resolve() / Path(given).name
    if path.is_dir():
        path = path.resolve() / PACKAGE  # what `.` and `..` are called, too
    is_package = path.name == PACKAGE
    whole = path.parent if is_package else path
    name = whole.name if is_package else whole.stem
    if is_package and whole.is_dir() and not path.exists():
        raise WorkloadError(f"{whole}: not a package; name a .py file in it, or add {PACKAGE}")
    if not path.is_file():
        hint = closest(path.name, (other.name for other in path.parent.glob("*.py")))
        raise WorkloadError(f"file not found: {path}. {hint}".rstrip())
    if path.suffix != ".py":
        raise WorkloadError(f"{path}: not a Python file; use one whose name ends in .py")
    if not name.isidentifier():
        better = re.sub(r"\W|^(?=\d)", "_", name)
        better += "" if is_package else ".py"
        noun = "folder" if is_package else "file"
        raise WorkloadError(f"{path}: {name!r} cannot be imported; rename the {noun} to {better}")
    _add_to_path(whole.parent)
    first = _origin(name)
    if Path(first).resolve() != path.resolve():
        raise WorkloadError(
            f"{path}: another module named {name!r} comes first (at {first}); rename the file"
        )
    return name


def _from_name(given: str) -> str:
    if not all(part.isidentifier() for part in given.split(".")):
        raise WorkloadError(
            f"{given!r} is not the name of a module; write package.module, or the path of a .py "
            "file"
        )
    _add_to_path(Path.cwd())
    return given


def _add_to_path(folder: Path) -> None:
    """Make the modules of a folder importable, after all others, so that it hides none of them.

    Functions pickle as the name of their module and their own. multiprocessing passes `sys.path`
    to every worker that it starts, so what can be imported here can be imported there.
    """
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _origin(name: str) -> str:
    """Say where Python takes a module from: usually a file."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None) or "built in"
    spec = find_spec(name)
    return (spec and spec.origin) or NOWHERE


def _import(name: str, given: str) -> None:
    try:
        with watched(name):
            import_module(name)
    except WorkloadError:
        raise
    except BaseException as error:  # Ctrl-C does not raise, and what the module raises is its own
        reason = " ".join(": ".join(filter(None, raised(error))).split())
        place = where(error, __file__)
        if place is None and isinstance(error, ModuleNotFoundError):
            hint = closest(name, (path.stem for path in Path.cwd().glob("*.py")))
            raise WorkloadError(
                f"module {name!r} is neither in {Path.cwd()} nor on Python's path "
                f"({error}). {hint}".rstrip()
            ) from None
        advice = _missing_package(error)
        raise WorkloadError(f"{place or given}: the import failed: {reason}{advice}") from error


def _app_in(name: str) -> str:
    """Explain what to do with the web application that a module has instead of a workload."""
    for variable, value in vars(sys.modules[name]).items():
        kind = type(value)
        if kind.__module__.partition(".")[0] in FRAMEWORKS and callable(value):
            return (
                f"{variable!r} is a web application ({kind.__name__}), and this server calls "
                "functions: move what a handler does into one, without the framework, and "
            )
    return ""


def _missing_package(error: BaseException) -> str:
    """Say how to install the package that an import lacks, unless a part of one is missing."""
    name = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if not name or "." in name:
        return ""
    other = "" if Path(sys.prefix).name == ".venv" else f" --python {sys.executable}"
    return f"; if that is a package, install it: .venv/bin/pip{other} install {name}"
