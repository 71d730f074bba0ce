"""The whole search, against the oracle: what it measures through real HTTP, and what is true."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from loadtests.records import Cell, CellResult
from loadtests.results import read
from loadtests.subject import ROOT
from scripts.validation.bench import Bench
from scripts.validation.case import Case, Finding, told
from scripts.validation.load import Unanswered
from scripts.validation.oracle import standing
from scripts.validation.truth import utilisation

MODEL = "m-d-1"
SERVICE_S = 0.010
BOUND_S = 0.100
FULL_ERROR = 0.05
QUICK_ERROR = 0.15  # the width of its interval


def oracle(bench: Bench) -> Case:
    """Search M/D/1 of 10 ms under p99 < 100 ms, quickly and in full."""
    true = utilisation(BOUND_S / SERVICE_S) / SERVICE_S
    found = [told(f"true {true:.1f}/s")]
    with standing(SERVICE_S) as url:
        found.append(_judged("quick", QUICK_ERROR, _search(url, "--quick"), true))
        if not bench.fast:
            found.append(_judged("full", FULL_ERROR, _search(url, "--full"), true))
    claim = f"M/D/1 of 10 ms under p99 < 100 ms: measured within {FULL_ERROR:.0%} of the truth"
    return Case.of("oracle", claim, found)


def _judged(mode: str, allowed: float, seen: tuple[CellResult, float], true: float) -> Finding:
    result, took_s = seen
    broke = "none" if result.broke is None else f"{result.broke:.1f}"
    ratio = result.bears / true
    shown = (
        f"{mode} {result.bears:.1f}/s (broke {broke}), measured / true {ratio:.3f}, "
        f"{result.trials} trials in {took_s:.0f} s"
    )
    return Finding(shown, abs(ratio - 1) <= allowed, f"1 ± {allowed:g}")


def _search(url: str, care: str) -> tuple[CellResult, float]:
    """Run the command that everybody runs; gives its result and how long it took."""
    begun = monotonic()
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "loadtests", "survive", "--host", url, care]
        asked = ["--workloads", "oracle", "--models", MODEL, "--beyond", "none"]
        bounds = ["--slo", f"p99<{1e3 * BOUND_S:g}ms", "--output", folder]
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, *asked, *bounds],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Unanswered(f"the search ended with {done.returncode}: {done.stderr.strip()}")
        result = read(Path(folder)).results[Cell("oracle", MODEL)]
    if not result.measured:
        raise Unanswered(f"the search has no result: {result.error or result.unavailable}")
    return result, monotonic() - begun
