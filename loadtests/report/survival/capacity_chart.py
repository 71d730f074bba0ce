"""The picture of a whole run: what each model bears, and what broke it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.charts import bars
from loadtests.report.charts.drawing import inline, standalone
from loadtests.report.survival.figures import Figure
from loadtests.report.verdicts import leaders

if TYPE_CHECKING:
    from loadtests.report.summary import Summary

CAPTION = (
    "Each bar is the interval that holds the capacity with 95 % confidence, the mark in it the "
    "best estimate; each axis is logarithmic; ★: best, or not to be told from it."
)


def drawing(summary: Summary) -> str:
    """Draw what `svg` and `figure` show."""
    return bars.capacities(summary.cells, leaders(summary.cells, summary.slo), title(summary))


def svg(drawing: str, summary: Summary) -> str:
    """Return `capacity.svg`, which follows the colours of the page that shows it."""
    return standalone(drawing, title(summary), bars.described(summary.cells))


def figure(drawing: str, summary: Summary) -> Figure:
    """Return it as a part of a page; its title stands in the picture, if that was drawn."""
    told = bars.described(summary.cells)
    picture = inline(drawing, "capacity", title(summary), told) if drawing else None
    return Figure("The same as bars", CAPTION, picture, wide=True)


def title(summary: Summary) -> str:
    """Name what is shown, and its unit."""
    return f"Requests per second borne within {summary.slo}"
