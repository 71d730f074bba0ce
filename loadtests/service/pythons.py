"""Find the Pythons that a run compares, each with the server's packages, and label them.

`python -m loadtests.service.pythons NAME` prints the label, the folder to prepare and the
interpreter for scripts/python; the folder is `-` if it is ready.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loadtests.errors import ServiceError
from loadtests.paths import ROOT
from loadtests.service.interpreters import ASK_S, Interpreter, ask
from loadtests.system.child import output

PREPARED = ROOT / ".pythons"
# The names of the environment that runs this. A free-threaded one is never used for servers: the
# packages of Locust include brotli, which turns the GIL on.
VERSION = platform.python_version()
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
OWN = () if FREE else (VERSION.rpartition(".")[0], VERSION)


@dataclass(frozen=True, slots=True)
class ServerPython:
    """An interpreter for servers, the label of its rows, and the name that the user gave."""

    label: str
    executable: str
    name: str = ""


def server_pythons(names: Iterable[str]) -> tuple[ServerPython, ...]:
    """Find interpreters for the servers; without a name, the one that runs this.

    Raises ServiceError for one that is not Python, is too old, or lacks the server's packages.
    """
    ready: dict[str, Interpreter] = {}
    for name in names:
        python = _ready(name)
        if python.place not in {other.place for other in ready.values()}:
            ready[name] = python
    if not ready:
        return (ServerPython("", sys.executable),)
    labels = {name: python.label for name, python in ready.items()}
    versions = {name: python.full for name, python in ready.items()}
    for longer in (versions, {name: name for name in ready}):
        count = Counter(labels.values())
        labels = {name: longer[name] if count[old] > 1 else old for name, old in labels.items()}
    return tuple(ServerPython(labels[n], python.executable, n) for n, python in ready.items())


def interpreter(name: str) -> Interpreter:
    """Find a Python by path, label or version, and ask it. Raises ServiceError."""
    return ask(_path(name))


def _ready(name: str) -> Interpreter:
    """Return the interpreter, or the environment prepared for it if it lacks packages."""
    python = interpreter(name)
    if python.lacks and _made_this(python):
        return ask(sys.executable)
    for place in (python.label, python.full) if python.lacks else ():
        other = _in(place)
        if other and other.full == python.full and not other.lacks:
            return other
    if python.lacks:
        raise ServiceError(
            f"{python.executable} (Python {python.full}) lacks packages of the server "
            f"({', '.join(python.lacks)}); prepare an environment: "
            f"scripts/python {shlex.quote(name)}"
        )
    return python


def _made_this(python: Interpreter) -> bool:
    """Whether the environment that runs this was made from it, and so has the packages for it."""
    ours = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    return bool(OWN) and not python.environment and os.path.realpath(python.base) == ours


def _in(folder: str) -> Interpreter | None:
    """Return the interpreter prepared there; None if it is gone, or is another Python now."""
    try:
        python = ask(str(PREPARED / folder / "bin" / "python"))
    except ServiceError:
        return None
    return python if folder in {python.label, python.full} else None


def folder(python: Interpreter) -> str:
    """Name the folder to prepare: the label, unless another version of it is already there."""
    other = _in(python.label)
    return python.full if other and other.full != python.full else python.label


def _path(name: str) -> str:
    if "/" in name:
        path = Path(name).expanduser().absolute()  # a link in an environment must stay one
        if not path.is_file():
            raise ServiceError(f"interpreter {path} not found")
        return str(path)
    if not name.strip() or name.startswith("-"):  # an option, to uv and others
        raise ServiceError(f"{name!r} is not a Python: give its path, or a version, e.g. 3.13t")
    version = name.removeprefix("python") or name
    looks = (_own, _prepared, _uv, _pyenv, lambda version: shutil.which(f"python{version}"))
    executable = next(filter(None, (look(version) for look in looks)), None) or shutil.which(name)
    if not executable:
        gone = (PREPARED / version).is_dir()
        lost = f" (the Python that {PREPARED / version} was made from is gone)" if gone else ""
        raise ServiceError(
            f"Python {name!r} not found in {PREPARED}{lost}, or by uv, pyenv or PATH; "
            f"run scripts/python {version}, or give the path of an interpreter"
        )
    return executable


def _own(version: str) -> str:
    return sys.executable if version in OWN else ""


def _prepared(version: str) -> str:
    """Find the prepared environment of a version, in its own folder or that of its label."""
    number = re.match(r"\d+\.\d+", version)
    label = f"{number[0]}{'t' * version.endswith('t')}" if number else version
    for python in filter(None, map(_in, dict.fromkeys((version, label)))):
        if version in {python.label, python.full}:
            return python.executable
    return ""


def _uv(name: str) -> str:
    words = ("python", "find", "--system", "--no-project", "--no-python-downloads", name)
    return output("uv", *words, timeout_s=ASK_S)


def _pyenv(name: str) -> str:
    """Find the newest version of that name: 3.13 is 3.13.9, and 3.13t is 3.13.9t."""
    number, suffix = name.removesuffix("t"), "t" * name.endswith("t")
    versions = [
        version
        for version in output("pyenv", "versions", "--bare", timeout_s=ASK_S).split()
        if version == name or (version.startswith(f"{number}.") and version.endswith(suffix))
        if version.removesuffix(suffix).replace(".", "").isdigit()
    ]
    newest = max(versions, default="", key=lambda version: [int(n) for n in _parts(version)])
    if not newest:
        return ""
    return str(Path(output("pyenv", "prefix", newest, timeout_s=ASK_S), "bin", "python"))


def _parts(version: str) -> list[str]:
    return version.removesuffix("t").split(".")


if __name__ == "__main__":
    try:
        wanted = interpreter(sys.argv[1])
        this = os.path.realpath(wanted.prefix) == os.path.realpath(sys.prefix)
        own = _made_this(wanted) or (bool(OWN) and this)
    except ServiceError as error:
        sys.exit(f"scripts/python: {error}")
    place = ("-", sys.executable) if own else (folder(wanted), wanted.base)
    print(wanted.label, *place)  # noqa: T201 - the script reads it
