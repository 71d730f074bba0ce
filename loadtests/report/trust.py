"""How far a run can be trusted, in one or two lines: what it can distinguish, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, sqrt
from statistics import median

from loadtests.report.summary import Summary
from loadtests.report.wording import name_of, shortened
from loadtests.wording import DASH, TIMES, count_of

STEADY = 1.15  # from the least to the most that the same work cost
SEPARATOR = " · "


def trust(summary: Summary, folder: str = "FOLDER") -> list[str]:
    """Return the lines; `folder` is that of the run, for the command that finishes it."""
    parts = [f"{summary.mode.capitalize()} run", *_facts(summary)]
    lines = [f"{SEPARATOR.join(parts)}."]
    unfinished = [cell for cell in summary.cells if not (cell.measured or cell.unavailable)]
    if unfinished:
        names = shortened([name_of(cell) for cell in unfinished])
        finish = f"`scripts/survive --retry {folder}` goes on with this run"
        lines.append(f"Unfinished: {names}; {finish}.")
    return lines


def _facts(summary: Summary) -> Iterator[str]:
    if least := distinguished(summary):
        yield f"shows differences from {100 * (least - 1):.0f} % on"
    trials = sum(cell.trials for cell in summary.cells)
    void = sum(cell.discarded for cell in summary.cells)
    if trials:
        verb = "was" if void == 1 else "were"
        yield f"{void} of {count_of(trials, 'trial')} {verb} void" if void else "no trial was void"
    if summary.fewest and summary.fewest * summary.slo.loss_ratio < 1:
        percentile, allows = str(summary.slo).partition("<")[0], 1 / summary.slo.loss_ratio
        longer = ", or --full" if summary.mode == "quick" else ""
        yield (
            f"{percentile} allows one late request in {allows:,.0f}, and a cell had only "
            f"{summary.fewest:,} in all its trials: choose a lower percentile{longer}"
        )
    if summary.speed and summary.speed[1] > STEADY * summary.speed[0]:
        fast, slow = summary.speed
        yield f"CPU speed varied: the same work took {fast:.2f}{DASH}{slow:.2f} {TIMES} as long"


def distinguished(summary: Summary) -> float | None:
    """Return the smallest ratio of rows that shows, typically: the half width of their intervals.

    Those of the pick to all others count, which the answers rest on.
    """
    widths = [
        sqrt(ratio.high / ratio.low)
        for verdict in summary.verdicts
        if verdict.pick and (standing := summary.standings.get(verdict.workload))
        for other in standing.rows
        if (ratio := standing.ratio(verdict.pick, other))
        if ratio.low > 0 and isfinite(ratio.high)
    ]
    return median(widths) if widths else None
