"""Where results go: a folder for each run, and a link to the newest."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from loadtests.records import ResultsError


def new_folder(base: Path, now: datetime) -> Path:
    """Make the folder of a new run under `base`."""
    name = now.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    folder, count = base / name, 1
    while folder.exists():
        count += 1
        folder = base / f"{name}-{count}"
    folder.mkdir(parents=True)
    return folder


def link_latest(folder: Path) -> None:
    """Let `latest` beside the folder of a run link to it."""
    base = folder.parent
    latest = base / "latest"
    if latest.exists() and not latest.is_symlink():
        raise ResultsError(f"{latest} is no symbolic link, as runs make it; move it away first")
    link = base / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    link.replace(latest)
