"""How modules of workloads get into worker processes: imported once, and then forked, if possible.

A fork shares every connection, and lacks every thread. So a module that keeps one is not preloaded
in the fork server: each worker imports it, and has its own. Standard library only.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import stat
import sysconfig
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from traceback import walk_tb

from server.worker.outcomes import raised

PLAN = "LOADBEARING_IMPORTS"  # the environment variable with what workers import, and from where
# A mistake in a user's module is never in these folders, even if Python noticed it there.
NOT_THEIRS = (
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    str(Path(__file__).parents[1]),
)

KEPT: dict[str, str] = {}  # modules that a fork would break, and what they keep


def load(module: str) -> None:
    """Import a module, and come back to the folder that all processes start in, if it left it."""
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        importlib.import_module(module)
    finally:
        os.fchdir(here)
        os.close(here)


@contextmanager
def watched(module: str) -> Iterator[None]:
    """Note whether the import within keeps what no fork can pass on."""
    threads, descriptors = set(threading.enumerate()), set(_unshared())
    yield
    if set(threading.enumerate()) - threads:
        KEPT[module] = "a thread"
    elif set(_unshared()) - descriptors:
        KEPT[module] = "a connection, pipe or file"


def _unshared() -> Iterator[int]:
    """Yield open descriptors that two processes cannot both use, e.g. not a log file."""
    with suppress(OSError):  # not every system lists them
        for number in (int(path.name) for path in Path("/dev/fd").iterdir()):
            with suppress(OSError):  # the listing itself had one
                mode = os.fstat(number).st_mode
                flags = fcntl.fcntl(number, fcntl.F_GETFL)
                appends = flags & os.O_APPEND or flags & os.O_ACCMODE == os.O_RDONLY
                if not (stat.S_ISCHR(mode) or (stat.S_ISREG(mode) and appends)):
                    yield number


def plan(modules: Iterable[str], path: Iterable[str], folder: str) -> str:
    """Write what workers import, from which path, and which folder their fork server deletes."""
    return json.dumps({"modules": [*modules], "path": [*path], "folder": folder, "kept": [*KEPT]})


def imported() -> None:
    """Import what the plan says, in a worker: its first call, so that no request pays for it.

    Raises ImportError with file and line of the user's code that failed.
    """
    for module in json.loads(os.environ.get(PLAN, '{"modules": []}'))["modules"]:
        try:
            load(module)
        except BaseException as error:  # noqa: BLE001 - the module's own
            reason = " ".join(": ".join(filter(None, raised(error))).split())
            raise ImportError(f"{where(error) or module}: {reason}") from None


def where(error: BaseException, importer: str = __file__) -> str | None:
    """Find the file and line of the user's own code where an import by this file failed."""
    if isinstance(error, SyntaxError) and Path(error.filename or "").is_file():
        return f"{error.filename}:{error.lineno}"
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename not in {importer, __file__, importlib.__file__}
        and not frame.f_code.co_filename.startswith("<")
    ]
    theirs = [frame for frame in frames if not frame[0].startswith(NOT_THEIRS)] or frames[:1]
    return f"{theirs[-1][0]}:{theirs[-1][1]}" if theirs else None
