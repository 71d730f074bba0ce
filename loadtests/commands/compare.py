"""Compare finished runs from the terminal: read them, show or write it, and give the exit code."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from loadtests.errors import RunFileError
from loadtests.report.compare.comparison import Comparison, compare
from loadtests.report.compare.json import as_json
from loadtests.report.compare.markdown import markdown
from loadtests.report.compare.sides import Side, sides_of
from loadtests.report.compare.terminal import final
from loadtests.report.console import console_for
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Run
from loadtests.run.surge.lines import is_surge
from loadtests.system.files import put
from loadtests.system.streams import put_out
from loadtests.wording import listing

FORMATS = ("text", "markdown", "html", "json")
ENDINGS = {".htm": "html", ".html": "html", ".json": "json", ".md": "markdown"}
FILE_WIDTH = 120  # of text that goes to a file


def compare_runs(parsed: argparse.Namespace) -> int:
    """Return 0, or 1 where some cell of a later run certainly bears less than in the first."""
    if parsed.output is not None and parsed.output.is_dir():
        example = parsed.output / "comparison.html"
        raise RunFileError(f"{parsed.output} is a folder; --output takes a file, such as {example}")
    comparison = of_folders(parsed.folders, parsed.tolerance)
    console = console_for()
    if parsed.output is None and parsed.format not in {None, "text"}:
        put_out(written(comparison, parsed.format))
    else:
        console.print(final(comparison))
    if parsed.output is not None:
        kind = parsed.format or ENDINGS.get(parsed.output.suffix.lower(), "text")
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        put(parsed.output, written(comparison, kind))
        console.print(f"\nWritten: {parsed.output}", soft_wrap=True, markup=False, highlight=False)
    return 1 if comparison.regressions else 0


def of_folders(folders: Sequence[Path], tolerance: float = 0.0) -> Comparison:
    """Compare the runs in these folders with the first. Raises RunFileError if that is futile."""
    if len(folders) < 2:
        raise RunFileError("compare takes two runs at least: name the folders of both")
    runs = zip(_names(folders), map(_read, folders), strict=True)
    comparison = compare(sides_of(list(runs)), tolerance)
    for number, side in enumerate(comparison.later):
        if not any(comparison.compared(number)):
            raise RunFileError(_nothing(comparison.first, side))
    return comparison


def written(comparison: Comparison, kind: str) -> str:
    """Return the comparison as the text of a file."""
    match kind:
        case "markdown":
            return markdown(comparison)
        case "json":
            return json.dumps(as_json(comparison), indent=2, ensure_ascii=False) + "\n"
        case "html":
            from loadtests.report.compare.html import page  # noqa: PLC0415 - Jinja takes its time

            return page(comparison)
    console = Console(file=io.StringIO(), width=FILE_WIDTH, record=True)
    console.print(final(comparison))
    return console.export_text()


def _read(folder: Path) -> Run:
    try:
        return read(folder)
    except RunFileError:
        if not is_surge(folder):
            raise
        raise RunFileError(
            f"{folder} holds a surge, not a survival run: it has no capacities to compare; "
            f"show it with .venv/bin/python -m loadtests report {folder}"
        ) from None


def _names(folders: Sequence[Path]) -> list[str]:
    """Call each run by the last part of its path, or by as many as it takes to tell them apart."""
    parts = [(folder if folder.is_dir() else folder.parent).absolute().parts for folder in folders]
    longest = max(map(len, parts))
    several = len(set(parts))
    for length in range(1, longest + 1):
        names = ["/".join(one[-length:]) for one in parts]
        if len(set(names)) == several:
            break
    return names


def _nothing(first: Side, side: Side) -> str:
    for one in (first, side):
        if not one.run.results:
            return f"{one.label} has no result: its run ended before it had one; name another run"
    reason = "have no cell in common that both have measured"
    if any(cell.lack for cell in (*first.cells.values(), *side.cells.values())):
        reason += ", with as many requests as the percentile takes"
    if len(first.pythons) > 1 or len(side.pythons) > 1:
        each = [f"{listing(list(one.pythons))} in {one.label}" for one in (first, side)]
        reason += f"; their Pythons are {' and '.join(each)}"
    return f"{first.label} and {side.label} {reason}"
