"""Write the files of a finished run again, and show it."""

from __future__ import annotations

import argparse
from functools import partial

from loadtests.report.console import console_for
from loadtests.report.delivery import deliver
from loadtests.report.survival.files import SurvivalReport
from loadtests.run.file.run_file import run_file


def run(parsed: argparse.Namespace) -> int:
    """Return 0, or 2 where a file could not be written."""
    folder = run_file(parsed.folder).parent
    kind = partial(SurvivalReport, verbose=parsed.verbose)
    return deliver(kind, folder, console_for(json=parsed.json), json=parsed.json)[1]
