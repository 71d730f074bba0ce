"""The picture of a whole run: what each model bears, and what broke it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.report.charts import bars
from loadtests.report.charts.drawing import drawn, dressed, inline, standalone, unchecked
from loadtests.report.survival.figures import Figure
from loadtests.report.verdicts import leaders

if TYPE_CHECKING:
    from loadtests.report.charts.converter import Converter
    from loadtests.report.summary import Summary

CAPTION = (
    "Each bar is the interval that holds the capacity with 95 % confidence, the mark in it the "
    "best estimate; each axis is logarithmic; ★: best, or not to be told from it."
)
PADDING = {"left": 4, "top": 8, "right": 12, "bottom": 6}


def drawing(summary: Summary, converter: Converter) -> str:
    """Draw what `svg` and `figure` show. Raises Undrawn."""
    with unchecked():
        best = leaders(summary.cells, summary.slo)
        chart = bars.capacities(summary.cells, best, title(summary))
        return drawn(dressed(chart, padding=PADDING), converter)


def svg(drawing: str, summary: Summary) -> str:
    """Return `capacity.svg`, which follows the colours of the page that shows it."""
    return standalone(drawing, title(summary), bars.told(summary.cells))


def figure(drawing: str, summary: Summary) -> Figure:
    """Return it as a part of a page; its title stands in the picture, if that was drawn."""
    told = bars.told(summary.cells)
    picture = inline(drawing, "capacity", title(summary), told) if drawing else None
    return Figure("The same as bars", CAPTION, picture, wide=True)


def title(summary: Summary) -> str:
    """Name what is shown, and its unit."""
    return f"Requests per second borne within {summary.slo}"
