"""A finished run, reported as the commands do it, or printed as a terminal would show it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from loadtests.report.delivery import Report, deliver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import RenderableType

AnyReport = TypeVar("AnyReport", bound=Report)


def reported(folder: Path, kind: Callable[[Path], AnyReport]) -> AnyReport:
    """Write and draw all files of the run in a folder."""
    return deliver(kind, folder, Console(file=io.StringIO()))[0]


def printed(report: RenderableType, width: int = 80) -> str:
    """Return the text that a terminal of this width shows."""
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(report)
    return console.export_text()
