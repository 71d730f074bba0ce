"""The folder of a run: chosen, written by one run at a time, and linked to while it is the newest.

The kernel keeps the lock as long as any process has its descriptor, so it cannot outlive a run.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep

from loadtests.errors import RunFileError
from loadtests.run.file.run_file import FILE_NAME
from loadtests.system.program import script

RESULTS = "results"
LOCK = ".lock"
PATIENCE_S = 2.0  # for the processes of a run that was killed a moment ago
LOOK_S = 0.05


def folder_of(
    output: Path | None, resumable: Callable[[Path], None] | None = None
) -> tuple[Path, bool]:
    """Choose the folder for the results of a run, or of one to go on; also whether it is new.

    `resumable` raises RunFileError where the run in a folder cannot go on; without, none can.
    """
    if output is None:
        return new_folder(Path(RESULTS), datetime.now(UTC)), True
    if file := next((path for path in (output, *output.parents) if path.is_file()), None):
        raise RunFileError(
            f"{file} is a file; --output takes a folder for results, e.g. {RESULTS}/mine"
        )
    if (output / FILE_NAME).exists():
        if resumable is None:
            raise RunFileError(
                f"{output} holds a run already; name another folder with --output, "
                f"or show it: {script('report')} {output}"
            )
        resumable(output)
    new = not output.exists()
    output.mkdir(parents=True, exist_ok=True)
    if not new:
        _check_writable(output)
    return output, new


def _check_writable(folder: Path) -> None:
    """Raise RunFileError, before anything is measured, for a folder that takes no results."""
    try:
        with TemporaryFile(dir=folder):
            pass
        if (folder / FILE_NAME).exists():
            with (folder / FILE_NAME).open("ab"):
                pass
    except OSError as error:
        raise RunFileError(
            f"{folder} cannot be written ({error.strerror}); name another folder with --output"
        ) from None


def discard(folder: Path) -> None:
    """Remove the folder of a run that has measured nothing."""
    shutil.rmtree(folder)
    if folder.parent.name == RESULTS:
        with suppress(OSError):
            folder.parent.rmdir()  # if it holds no other run


def new_folder(base: Path, now: datetime) -> Path:
    """Make the folder of a new run under `base`."""
    name = now.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    for count in itertools.count(1):
        folder = base / (name if count == 1 else f"{name}-{count}")
        with suppress(FileExistsError):  # another run may begin in the same second
            folder.mkdir(parents=True)
            break
    return folder


def link_latest(folder: Path) -> None:
    """Let `latest` link to the folder of a run, which is beside it."""
    base = folder.parent
    latest = base / "latest"
    if latest.exists() and not latest.is_symlink():
        raise RunFileError(f"{latest} is not a symbolic link of ours; move it away first")
    link = base / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    link.replace(latest)


@contextmanager
def claimed(folder: Path) -> Iterator[int | None]:
    """Lock a folder, made if need be; yields the descriptor, which its other writers must inherit.

    None where this process has inherited it from its parent. Raises RunFileError if another run
    has the folder.
    """
    file, until = folder / LOCK, monotonic() + PATIENCE_S
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
    """Lock the file, and write our process id into it; None if another process has it."""
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
    except OSError:  # a file system without locks
        return True
    with suppress(FileNotFoundError):  # else its last holder has removed the file
        return os.path.samestat(os.fstat(descriptor), file.stat())
    return False


def _holder(file: Path) -> str:
    with suppress(OSError):
        return file.read_text()
    return ""
