"""Find the Pythons that a run compares, each with the server's packages, and name them for it.

`python -m loadtests.service.pythons NAME` prints for scripts/python the label, the folder to
prepare and the interpreter; no folder (`-`) for one that needs no preparing.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loadtests.errors import ServiceError
from loadtests.paths import ROOT
from loadtests.service.interpreters import ASK_S, Interpreter, ask
from loadtests.system.child import tied

PREPARED = ROOT / ".pythons"
# What the environment that runs this answers to. Of a free-threaded one nobody wants its packages
# for the servers: with those of Locust comes brotli, which turns the GIL on.
VERSION = platform.python_version()
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
OWN = () if FREE else (VERSION.rpartition(".")[0], VERSION)


@dataclass(frozen=True, slots=True)
class ServerPython:
    """An interpreter that servers run on, what its rows are called, and how it was asked for."""

    label: str
    executable: str
    name: str = ""


def server_pythons(names: Iterable[str]) -> tuple[ServerPython, ...]:
    """Find what runs the servers; without a name, the Python that runs this.

    Raises ServiceError for what is no Python, is too old, or lacks the server's packages.
    """
    found: dict[str, Interpreter] = {}
    for name in names:
        one = _ready(name)
        if one.place not in {other.place for other in found.values()}:
            found[name] = one
    if not found:
        return (ServerPython("", sys.executable),)
    labels = {name: one.label for name, one in found.items()}
    for closer in ({name: one.full for name, one in found.items()}, {name: name for name in found}):
        count = Counter(labels.values())
        labels = {name: closer[name] if count[had] > 1 else had for name, had in labels.items()}
    return tuple(ServerPython(labels[name], one.executable, name) for name, one in found.items())


def interpreter(name: str) -> Interpreter:
    """Find a Python by path, label or version, and ask it. Raises ServiceError."""
    return ask(_path(name))


def _ready(name: str) -> Interpreter:
    """Return the interpreter, or the environment prepared for it if it lacks packages."""
    found = interpreter(name)
    if found.lacks and _made_this(found):
        return ask(sys.executable)
    for place in (found.label, found.full) if found.lacks else ():
        other = _in(place)
        if other and other.full == found.full and not other.lacks:
            return other
    if found.lacks:
        raise ServiceError(
            f"{found.executable} (Python {found.full}) lacks packages of the server "
            f"({', '.join(found.lacks)}); prepare an environment: "
            f"scripts/python {shlex.quote(name)}"
        )
    return found


def _made_this(found: Interpreter) -> bool:
    """Whether it is what the environment that runs this was made from: that has the packages."""
    ours = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    return bool(OWN) and not found.environment and os.path.realpath(found.base) == ours


def _in(folder: str) -> Interpreter | None:
    """Return what was prepared there; None if its Python has gone, or is another one now."""
    try:
        one = ask(str(PREPARED / folder / "bin" / "python"))
    except ServiceError:
        return None
    return one if folder in {one.label, one.full} else None


def folder(one: Interpreter) -> str:
    """Name the folder to prepare: by the label, unless another version of it is in there."""
    there = _in(one.label)
    return one.full if there and there.full != one.full else one.label


def _path(name: str) -> str:
    if "/" in name:
        path = Path(name).expanduser().absolute()  # a link in an environment must stay one
        if not path.is_file():
            raise ServiceError(f"there is no interpreter {path}")
        return str(path)
    if not name.strip() or name.startswith("-"):  # which uv and others would take as a wish
        raise ServiceError(f"{name!r} is no Python; name its path, or a version such as 3.13t")
    version = name.removeprefix("python") or name
    looks = (_own, _prepared, _uv, _pyenv, lambda version: shutil.which(f"python{version}"))
    found = next(filter(None, (look(version) for look in looks)), None) or shutil.which(name)
    if not found:
        gone = (PREPARED / version).is_dir()
        lost = f" (the Python that {PREPARED / version} was made from has gone)" if gone else ""
        raise ServiceError(
            f"there is no Python {name!r}: it is no environment in {PREPARED}{lost}, and neither "
            "uv, pyenv nor PATH has it; name the path of an interpreter"
        )
    return found


def _own(version: str) -> str:
    return sys.executable if version in OWN else ""


def _prepared(version: str) -> str:
    """Find the environment of a version, which may be in the folder of its label."""
    number = re.match(r"\d+\.\d+", version)
    label = f"{number[0]}{'t' * version.endswith('t')}" if number else version
    for one in filter(None, map(_in, dict.fromkeys((version, label)))):
        if version in {one.label, one.full}:
            return one.executable
    return ""


def _uv(name: str) -> str:
    return _output(
        "uv", "python", "find", "--system", "--no-project", "--no-python-downloads", name
    )


def _pyenv(name: str) -> str:
    """Find the newest version that the name is, or begins: 3.13 is 3.13.9, and 3.13t is 3.13.9t."""
    number, suffix = name.removesuffix("t"), "t" * name.endswith("t")
    versions = [
        one
        for one in _output("pyenv", "versions", "--bare").split()
        if one == name or (one.startswith(f"{number}.") and one.endswith(suffix))
        if one.removesuffix(suffix).replace(".", "").isdigit()
    ]
    newest = max(versions, default="", key=lambda one: [int(n) for n in _parts(one)])
    return str(Path(_output("pyenv", "prefix", newest), "bin", "python")) if newest else ""


def _parts(version: str) -> list[str]:
    return version.removesuffix("t").split(".")


def _output(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - uv and pyenv, of the user
            command, capture_output=True, text=True, timeout=ASK_S, check=False, preexec_fn=tied()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    try:
        asked = interpreter(sys.argv[1])
        this = os.path.realpath(asked.prefix) == os.path.realpath(sys.prefix)
        own = _made_this(asked) or (bool(OWN) and this)
    except ServiceError as error:
        sys.exit(f"scripts/python: {error}")
    place = ("-", sys.executable) if own else (folder(asked), asked.base)
    print(asked.label, *place)  # noqa: T201 - the script reads it
