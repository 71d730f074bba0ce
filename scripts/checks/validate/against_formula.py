"""The whole search, against the oracle: what it measures through real HTTP, and what is true."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from loadtests.cell import Cell
from loadtests.paths import ROOT
from loadtests.run.file.cells import CellResult
from loadtests.run.file.fold import read
from loadtests.system.child import tied
from scripts.checks.shared.oracle import standing
from scripts.checks.validate.bench import Bench
from scripts.checks.validate.case import Case, Finding, told, within
from scripts.checks.validate.load import Unanswered
from scripts.checks.validate.truth import utilisation

MODEL = "m-d-1"
SERVICE_S = 0.005
BOUND_S = 0.100
ERROR = {"quick": 0.15, "full": 0.05}  # the widths of their intervals


def oracle(bench: Bench) -> Case:
    """Search M/D/1 of 5 ms under p99 < 100 ms, quickly and in full: that is three searches.

    What is judged is the best guess of each run, and whether its interval contains the truth.
    """
    true = utilisation(BOUND_S / SERVICE_S) / SERVICE_S
    found = [told(f"true {true:.1f}/s")]
    with standing(SERVICE_S) as url:
        for care, error in ERROR.items():
            if not (bench.fast and care == "full"):
                begun = monotonic()
                found += _judged(care, error, _search(url, care), true)
                found.append(told(f"{monotonic() - begun:.0f} s"))
    claim = (
        f"M/D/1 of {1e3 * SERVICE_S:g} ms under p99 < {1e3 * BOUND_S:g} ms: "
        f"measured within {ERROR['full']:.0%} of the truth by a full search"
    )
    return Case.of("oracle", claim, found)


def _judged(care: str, error: float, result: CellResult, true: float) -> Iterator[Finding]:
    ratio = (result.capacity or result.bears) / true
    yield within(f"{care}: measured / true", [ratio], 1 - error, 1 + error, "")
    shown = f"{result.low:.1f}–{result.high:.1f}"
    yield Finding(shown, result.low <= true <= result.high, "an interval with the truth in it")
    yield told(f"{result.trials} trials, {result.discarded} discarded")


def _search(url: str, care: str) -> CellResult:
    """Run the command that everybody runs. Raises Unanswered if it has no result."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "loadtests", "survive", "--host", url, f"--{care}"]
        asked = ["--workloads", "oracle", "--models", MODEL, "--beyond", "none"]
        bounds = ["--slo", f"p99<{1e3 * BOUND_S:g}ms", "--output", folder]
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, *asked, *bounds],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, preexec_fn=tied(),
        )  # fmt: skip
        if done.returncode not in {0, 3}:  # the latter: no result, and its run file says why
            raise Unanswered(f"the search ended with {done.returncode}: {done.stderr.strip()}")
        result = read(Path(folder)).results[Cell("oracle", MODEL)]
    if not result.measured:
        raise Unanswered(f"the search has no result: {result.error or result.unavailable}")
    return result
