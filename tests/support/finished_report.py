"""A run that has ended, reported as the commands do it, but for what a terminal shows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from loadtests.report.delivery import Report, deliver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AnyReport = TypeVar("AnyReport", bound=Report)


def reported(folder: Path, kind: Callable[[Path], AnyReport]) -> AnyReport:
    """Write and draw all files of the run in a folder."""
    return deliver(kind, folder, Console(file=io.StringIO()))[0]
