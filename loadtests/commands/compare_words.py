"""What `python -m loadtests compare` can be told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from loadtests.commands.compare import FORMATS, compare_runs

EXIT_CODES = "0 no regression, 1 some cell of a later run certainly bears less, 2 usage"


def add_compare(commands: Any) -> None:
    one = commands.add_parser("compare",
        help="compare finished runs: ratios with intervals, and what has changed",
        description=f"Compare survival runs, cell by cell. Exit code: {EXIT_CODES}.")  # fmt: skip
    one.set_defaults(run=compare_runs)
    one.add_argument("folders", type=Path, nargs="+", metavar="DIR",
        help="folders of survival runs; the first is what the others are measured by")  # fmt: skip
    one.add_argument("--format", choices=FORMATS,
        help="of what is shown or written (default: text, or as --output is named)")  # fmt: skip
    one.add_argument("--output", type=Path, metavar="FILE",
        help="also write it to a file: .txt, .md or .json")  # fmt: skip
    one.add_argument("--tolerance", type=_tolerance, default=0.0, metavar="SHARE",
        help="how much less a cell may bear, such as 10%% (default: 0%%)")  # fmt: skip


def _tolerance(text: str) -> float:
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no tolerance; give a share such as 10%")
    return share
