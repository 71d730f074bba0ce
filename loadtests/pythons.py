"""Find the Pythons that a run compares, each with the server's packages, and name them for it.

`python -m loadtests.pythons NAME` prints label and interpreter for scripts/python.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loadtests.orphans import tied
from loadtests.target import TargetError

ROOT = Path(__file__).resolve().parent.parent
PREPARED = ROOT / ".pythons"
OLDEST = (3, 11)
ASK_S = 30.0
NEEDED = (
    *("aiohttp", "annotated_types", "gunicorn", "prometheus_client", "psutil", "pydantic"),
    *("pydantic_settings", "urllib3", "uvloop"),
)
QUESTION = f"""
import json, platform, sys, sysconfig
from importlib.util import find_spec
free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
lacks = [name for name in {NEEDED} if find_spec(name) is None]
base = getattr(sys, "_base_executable", sys.executable)
print(json.dumps([sys.version_info[:2], platform.python_version(), free, base, lacks]))
"""


@dataclass(frozen=True, slots=True)
class ServerPython:
    """An interpreter that servers run on, what its rows are called, and how it was asked for."""

    label: str
    executable: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What an interpreter says of itself."""

    executable: str
    minor: str
    version: str
    free_threaded: bool
    base: str
    lacks: tuple[str, ...]

    @property
    def label(self) -> str:
        return self.minor + "t" * self.free_threaded

    @property
    def full(self) -> str:
        return self.version + "t" * self.free_threaded


def server_pythons(names: Iterable[str]) -> tuple[ServerPython, ...]:
    """Find what runs the servers; without a name, the Python that runs this.

    Raises TargetError for what is no Python, is too old, or lacks the server's packages.
    """
    found: dict[str, Interpreter] = {}
    for name in names:
        one = _ready(name)
        if one not in found.values():
            found[name] = one
    if not found:
        return (ServerPython("", sys.executable),)
    labels = {name: one.label for name, one in found.items()}
    for closer in ({name: one.full for name, one in found.items()}, {name: name for name in found}):
        count = Counter(labels.values())
        labels = {name: closer[name] if count[had] > 1 else had for name, had in labels.items()}
    return tuple(ServerPython(labels[name], one.executable, name) for name, one in found.items())


def interpreter(name: str) -> Interpreter:
    """Find a Python by path, label or version, and ask it. Raises TargetError."""
    executable = _path(name)
    command = [executable, "-I", "-c", QUESTION]
    try:
        said = subprocess.run(  # noqa: S603 - what the user named
            command, capture_output=True, text=True, timeout=ASK_S, check=True, preexec_fn=tied()
        ).stdout
        numbers, version, free_threaded, base, lacks = json.loads(said)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise TargetError(
            f"{executable} is no Python 3.11 or newer ({lines[-1] if lines else 'silent'})"
        ) from None
    if tuple(numbers) < OLDEST:
        raise TargetError(f"{executable} is Python {version}; the server needs 3.11 or newer")
    minor = ".".join(map(str, numbers))
    return Interpreter(executable, minor, version, free_threaded, base, tuple(lacks))


def _ready(name: str) -> Interpreter:
    """Return the interpreter, or the environment prepared for it if it lacks packages."""
    found = interpreter(name)
    prepared = PREPARED / found.label / "bin" / "python"
    if found.lacks and prepared.exists():
        other = interpreter(str(prepared))
        if other.full == found.full and not other.lacks:
            return other
    if found.lacks:
        raise TargetError(
            f"{found.executable} (Python {found.full}) lacks packages of the server "
            f"({', '.join(found.lacks)}); prepare an environment: scripts/python {name}"
        )
    return found


def _path(name: str) -> str:
    if "/" in name:
        path = Path(name).expanduser().absolute()  # a link in an environment must stay one
        if not path.is_file():
            raise TargetError(f"there is no interpreter {path}")
        return str(path)
    if not name.strip() or name.startswith("-"):  # which uv and others would take as a wish
        raise TargetError(f"{name!r} is no Python; name its path, or a version such as 3.13t")
    prepared = PREPARED / name / "bin" / "python"
    looks = (_uv, _pyenv, shutil.which, lambda name: shutil.which(f"python{name}"))
    found = str(prepared) if prepared.exists() else next(filter(None, (f(name) for f in looks)), "")
    if not found:
        raise TargetError(
            f"there is no Python {name!r}: it is no environment in {PREPARED}, and neither uv, "
            "pyenv nor PATH has it; name the path of an interpreter"
        )
    return found


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
    except TargetError as error:
        sys.exit(f"scripts/python: {error}")
    print(asked.label, asked.base)  # noqa: T201 - the script reads it
