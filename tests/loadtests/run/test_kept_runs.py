"""What the kept runs say today is what they said when they were measured, whatever reads them."""

from __future__ import annotations

import pytest

from loadtests.paths import ROOT
from loadtests.report.summary import summarize
from loadtests.report.survival.json import as_json
from loadtests.run.file.fold import read

Figures = tuple[float | None, float | None, str | None]  # 95 % interval of the capacity, cause

RUNS = ROOT / "loadtests" / "published" / "runs"

FULL: dict[str, Figures] = {
    "sleep/thread-pool": (288.75, 313.65, "pool"),
    "sleep/process-pool": (26.47, 31.25, "pool"),
    "primes/thread-pool": (40.3, 47.65, "GIL"),
    "primes/process-pool": (89.29, 106.82, "cores"),
    "sha256/thread-pool": (133.89, 148.46, "cores"),
    "sha256/process-pool": (125.62, 142.58, "cores"),
}
HEADLINE: dict[str, Figures] = {
    "sleep/inline": (74.67, 106.34, "loop blocked"),
    "sleep/async": (2000.0, None, None),
    "sleep/thread-pool": (1180.77, 1672.43, "pool"),
    "sleep/process-pool": (154.78, 220.41, "pool"),
    "sleep/supervised-process-pool": (139.15, 198.23, "pool"),
    "sleep/interpreter-pool": (None, None, None),
    "sleep/hybrid": (1191.77, 1687.99, "pool"),
    "primes/inline": (60.12, 85.66, "loop blocked"),
    "primes/async": (None, None, None),
    "primes/thread-pool": (39.37, 55.71, "GIL"),
    "primes/process-pool": (84.79, 118.83, "cores"),
    "primes/supervised-process-pool": (85.96, 122.43, "pool"),
    "primes/interpreter-pool": (None, None, None),
    "primes/hybrid": (91.51, 130.34, "cores"),
    "sha256/inline": (62.69, 89.31, "loop blocked"),
    "sha256/async": (None, None, None),
    "sha256/thread-pool": (116.23, 165.57, "cores"),
    "sha256/process-pool": (106.98, 152.38, "cores"),
    "sha256/supervised-process-pool": (126.61, 180.35, "cores"),
    "sha256/interpreter-pool": (None, None, None),
    "sha256/hybrid": (126.62, 180.37, "cores"),
    "scrape/inline": (24.61, 35.82, "loop blocked"),
    "scrape/async": (41.34, 58.49, "loop busy"),
    "scrape/thread-pool": (28.13, 41.93, "GIL"),
    "scrape/process-pool": (51.22, 73.03, "pool"),
    "scrape/supervised-process-pool": (57.05, 81.31, "pool"),
    "scrape/interpreter-pool": (None, None, None),
    "scrape/hybrid": (66.86, 95.22, "pool"),
}


@pytest.mark.parametrize(("name", "figures"), [("full", FULL), ("headline", HEADLINE)])
def test_a_kept_run_keeps_its_intervals_and_causes(name: str, figures: dict[str, Figures]) -> None:
    cells = as_json(summarize(read(RUNS / name)))["cells"]
    assert [f"{cell['workload']}/{cell['model']}" for cell in cells] == list(figures)
    for cell, (low, high, cause) in zip(cells, figures.values(), strict=True):
        interval = cell["interval"] or (None, None)
        assert [rate and round(rate, 2) for rate in interval] == [low, high], cell["model"]
        assert cell["cause"] == cause
