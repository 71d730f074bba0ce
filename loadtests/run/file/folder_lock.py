"""A folder that is being written has one writer: others are refused until that has ended.

The kernel keeps the lock as long as any process has its descriptor, so it cannot outlive a run.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from loadtests.errors import RunFileError

NAME = ".lock"
PATIENCE_S = 2.0  # for the processes of a run that was killed a moment ago
LOOK_S = 0.05


@contextmanager
def claimed(folder: Path) -> Iterator[int | None]:
    """Hold a folder, made if need be; gives the descriptor, which its other writers must inherit.

    None where this process has inherited it from its parent. Raises RunFileError if another run
    has the folder.
    """
    file, until = folder / NAME, monotonic() + PATIENCE_S
    while (descriptor := _locked(file)) is None:
        holder = _holder(file)
        if holder == str(os.getppid()):
            yield None
            return
        if monotonic() > until:
            raise RunFileError(
                f"{folder} is being measured by process {holder}; wait for it, or choose another "
                "--output"
            )
        sleep(LOOK_S)
    try:
        yield descriptor
    finally:
        file.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(file: Path) -> int | None:
    """Lock the file, and write into it who has done so; None if another process has it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if _ours(descriptor, file):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _ours(descriptor: int, file: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks must do without
        return True
    with suppress(FileNotFoundError):  # else its last holder has removed what we have locked
        return os.path.samestat(os.fstat(descriptor), file.stat())
    return False


def _holder(file: Path) -> str:
    with suppress(OSError):
        return file.read_text()
    return ""
