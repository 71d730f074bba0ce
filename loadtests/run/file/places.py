"""Find the run file in what somebody names, or say what a folder of a run is."""

from __future__ import annotations

from pathlib import Path

from loadtests.errors import RunFileError

FILE_NAME = "run.jsonl"
NAMED = f"name the folder of a run, which has a {FILE_NAME} in it, such as results/latest"


def run_file(path: Path) -> Path:
    """Return the run file of a folder, or the one that is named itself.

    Raises RunFileError where there is none.
    """
    if path.is_dir():
        if (path / FILE_NAME).is_file():
            return path / FILE_NAME
        inside = sorted(one.parent.name for one in path.glob(f"*/{FILE_NAME}"))
        meant = f"name one of the runs below it, such as {path / inside[-1]}" if inside else NAMED
        raise RunFileError(f"{path} holds no run, as there is no {FILE_NAME} in it; {meant}")
    if path.is_file() and path.suffix == Path(FILE_NAME).suffix:
        return path
    if path.exists():
        raise RunFileError(f"{path} is no folder; {NAMED}")
    raise RunFileError(f"{path} does not exist; {NAMED}")


def run_folder(path: Path) -> Path:
    """Return the folder of a run. Raises RunFileError where there is no run."""
    return run_file(path).parent
