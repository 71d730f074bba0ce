"""Programs that pretend to be Pythons, on a machine that seems to have no others."""

from pathlib import Path

import pytest

from loadtests.service import pythons


def program(path: Path, text: str) -> str:
    """Write what answers in place of a Python."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def saying(path: Path, numbers: str, version: str, free: str = "false", lacks: str = "") -> str:
    answer = f'[[{numbers}], "{version}", {free}, "/base", [{lacks}], "{path.parent}", true]'
    return program(path, f"echo '{answer}'")


def alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what this machine has out of a test: no environment, uv, pyenv, or Python of our own.

    Returns where environments would be prepared; `bin` beside it is all that is on the path.
    """
    monkeypatch.setattr(pythons, "PREPARED", folder / "prepared")
    monkeypatch.setattr(pythons, "OWN", ())
    monkeypatch.setenv("PATH", str(folder / "bin"))
    return folder / "prepared"
