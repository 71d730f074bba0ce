"""Where results go: a folder for each run, and a link to the newest."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

from loadtests.errors import RunFileError
from loadtests.run.file.run_file import FILE_NAME
from loadtests.system.program import script

RESULTS = "results"


def folder_of(
    asked: Path | None, resumable: Callable[[Path], None] | None = None
) -> tuple[Path, bool]:
    """Find the folder for the results of a run, or of one to go on; tells whether it is new.

    `resumable` raises RunFileError where the run in a folder cannot go on; without, none can.
    """
    if asked is None:
        return new_folder(Path(RESULTS), datetime.now(UTC)), True
    if file := next((one for one in (asked, *asked.parents) if one.is_file()), None):
        raise RunFileError(
            f"{file} is a file; --output takes a folder for results, such as {RESULTS}/mine"
        )
    if (asked / FILE_NAME).exists():
        if resumable is None:
            raise RunFileError(
                f"{asked} holds a run already; name another folder with --output, "
                f"or show it: {script('report')} {asked}"
            )
        resumable(asked)
    new = not asked.exists()
    asked.mkdir(parents=True, exist_ok=True)
    if not new:
        _writable(asked)
    return asked, new


def _writable(folder: Path) -> None:
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
    """Let `latest` beside the folder of a run link to it."""
    base = folder.parent
    latest = base / "latest"
    if latest.exists() and not latest.is_symlink():
        raise RunFileError(f"{latest} is no symbolic link, as runs make it; move it away first")
    link = base / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    link.replace(latest)
