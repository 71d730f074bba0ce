"""Compare finished runs: read them, show or write the comparison, return the exit code."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from loadtests.commands.gate import Gate, check_file
from loadtests.errors import RunFileError
from loadtests.report.compare.checks import compare_checks
from loadtests.report.compare.comparison import Comparison, Side, compare
from loadtests.report.compare.json import as_json
from loadtests.report.compare.markdown import markdown
from loadtests.report.compare.sentences import machines, objectives
from loadtests.report.compare.terminal import final
from loadtests.report.console import console_for
from loadtests.run.file.fold import read
from loadtests.system.files import put
from loadtests.system.streams import put_out
from loadtests.wording import listing

ENDINGS = {"": "text", ".txt": "text", ".md": "markdown", ".json": "json"}
FILE_WIDTH = 120  # of text that goes to a file


def run(parsed: argparse.Namespace) -> int:
    """Return 1 if a cell of a later run sustains significantly less than in the first.

    Otherwise 3 if some cell cannot be compared because the machines differ, or 0.
    """
    kind = _format_of(parsed)
    check_file(parsed.junit)
    comparison = of_folders(parsed.folders, parsed.tolerance)
    console = console_for()
    if parsed.output is None and kind != "text":
        put_out(written(comparison, kind))
        console = console_for(json=True)
    else:
        console.print(final(comparison))
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        put(parsed.output, written(comparison, kind))
        console.print(f"\nWritten: {parsed.output}", soft_wrap=True, markup=False, highlight=False)
    gate_of(comparison).report(console, parsed.junit)
    if comparison.regressions:
        return 1
    return 3 if any(map(comparison.undecided, range(len(comparison.later)))) else 0


def gate_of(comparison: Comparison) -> Gate:
    decide, others = compare_checks(comparison)
    places = machines(comparison)
    properties: dict[str, object] = {
        f"machine of {name}" if len(places) > 1 else "machine": place for name, place in places
    }
    properties |= {"objective": objectives(comparison), "tolerance": comparison.tolerance}
    started = comparison.later[-1].run.plan.started
    return Gate("scripts/compare", decide, others, markdown(comparison), properties, started)


def of_folders(folders: Sequence[Path], tolerance: float = 0.0) -> Comparison:
    """Compare these runs with the first. Raises RunFileError if nothing can be compared."""
    if len(folders) < 2:
        raise RunFileError("compare takes at least two runs: name the folders of both")
    runs = zip(_names(folders), map(read, folders), strict=True)
    comparison = compare(list(runs), tolerance)
    for number, side in enumerate(comparison.later):
        if not (comparison.ratios(number) or comparison.undecided(number)):
            raise RunFileError(_nothing(comparison.first, side))
    return comparison


def written(comparison: Comparison, kind: str) -> str:
    """Return the comparison as the text of a file."""
    match kind:
        case "markdown":
            return markdown(comparison)
        case "json":
            return json.dumps(as_json(comparison), indent=2, ensure_ascii=False) + "\n"
    console = Console(file=io.StringIO(), width=FILE_WIDTH, record=True)
    console.print(final(comparison))
    return console.export_text()


def _format_of(parsed: argparse.Namespace) -> str:
    """Return --format, or else what the ending of --output stands for.

    Raises RunFileError if that is a folder, or its ending names no known format.
    """
    output: Path | None = parsed.output
    if output is not None and output.is_dir():
        example = output / "comparison.md"
        raise RunFileError(f"{output} is a folder; --output takes a file, e.g. {example}")
    ending = "" if output is None else output.suffix.lower()
    if parsed.format is None and ending not in ENDINGS:
        raise RunFileError(
            f"{output}: no format has the ending {ending}; use .txt, .md or .json, or add --format"
        )
    return str(parsed.format or ENDINGS[ending])


def _names(folders: Sequence[Path]) -> list[str]:
    """Name each run by the last part of its path, or by as many parts as make the names differ."""
    parts = [(folder if folder.is_dir() else folder.parent).absolute().parts for folder in folders]
    longest = max(map(len, parts))
    several = len(set(parts))
    for length in range(1, longest + 1):
        names = ["/".join(path[-length:]) for path in parts]
        if len(set(names)) == several:
            break
    return names


def _nothing(first: Side, side: Side) -> str:
    for run in (first, side):
        if not run.run.results:
            return f"{run.label} has no results, because its run ended too early; name another run"
    reason = "have no measured cell in common"
    if len(first.pythons) > 1 or len(side.pythons) > 1:
        pythons = [f"{listing(list(run.pythons))} in {run.label}" for run in (first, side)]
        reason += f"; their Pythons are {' and '.join(pythons)}"
    return f"{first.label} and {side.label} {reason}"
