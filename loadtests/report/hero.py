"""The picture of a whole run: what each model bears, and what broke it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.charts import bars
from loadtests.report.drawing import drawn, dressed, inline, standalone, unchecked
from loadtests.report.figures import Figure
from loadtests.verdicts import leaders

if TYPE_CHECKING:
    from loadtests.summary import Summary

CAPTION = "Each bar is the interval that holds the capacity, each axis logarithmic."


def drawing(summary: Summary) -> str:
    """Draw what `svg` and `figure` show."""
    with unchecked():
        chart = bars.capacities(summary.cells, leaders(summary.cells, summary.slo))
        return drawn(dressed(chart))


def svg(drawing: str, summary: Summary) -> str:
    """Return `capacity.svg`, which follows the colours of the page that shows it."""
    return standalone(drawing, _title(summary), bars.told(summary.cells))


def figure(drawing: str, summary: Summary) -> Figure:
    """Return it as a part of a page."""
    title = _title(summary)
    picture = inline(drawing, "capacity", title, bars.told(summary.cells))
    return Figure(title, CAPTION, picture, wide=True)


def _title(summary: Summary) -> str:
    return f"What each model bears within {summary.slo}, in requests per second"
