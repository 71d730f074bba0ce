"""Ask an interpreter which Python it is, where it is, and which packages it lacks."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from loadtests.errors import ServiceError
from loadtests.system.child import tied

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
where = [sys.prefix, sys.prefix != sys.base_prefix]
print(json.dumps([sys.version_info[:2], platform.python_version(), free, base, lacks, *where]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python interpreter, as it describes itself."""

    executable: str
    minor: str
    version: str
    free_threaded: bool
    base: str
    lacks: tuple[str, ...]
    prefix: str
    environment: bool

    @property
    def label(self) -> str:
        return self.minor + "t" * self.free_threaded

    @property
    def full(self) -> str:
        return self.version + "t" * self.free_threaded

    @property
    def place(self) -> tuple[str, str]:
        """Identifies it, whichever of its names was used."""
        return self.full, os.path.realpath(self.prefix)


def ask(executable: str) -> Interpreter:
    """Ask an interpreter what it is. Raises ServiceError if it is not Python, or too old."""
    command = [executable, "-I", "-"]  # by its input: other programs quote their arguments
    try:
        reply = subprocess.run(  # noqa: S603 - the program that the user named
            command, input=QUESTION, capture_output=True, text=True, timeout=ASK_S, check=True,
            preexec_fn=tied(),
        ).stdout  # fmt: skip
        numbers, version, free_threaded, base, lacks, *where = json.loads(reply)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        text = "it gives no such answer" if isinstance(error, ValueError) else str(error)
        lines = (getattr(error, "stderr", None) or text).strip().splitlines()
        raise ServiceError(
            f"{executable} is not Python 3.11 or newer ({lines[-1] if lines else 'no message'})"
        ) from None
    if tuple(numbers) < OLDEST:
        raise ServiceError(f"{executable} is Python {version}; the server needs 3.11 or newer")
    minor = ".".join(map(str, numbers))
    return Interpreter(executable, minor, version, free_threaded, base, tuple(lacks), *where)
