"""The chart of a whole run: the capacity of each model, and what ran out."""

from loadtests.report.charts import bars
from loadtests.report.charts.drawing import inline, standalone
from loadtests.report.summary import Summary
from loadtests.report.survival.figures import Figure
from loadtests.report.verdicts import leaders
from loadtests.report.wording import headline

CAPTION = (
    "Each bar is the 95 % confidence interval for the capacity, the mark in it the best estimate; "
    "each axis is logarithmic; ★: best, or statistically tied with it."
)


def drawing(summary: Summary) -> str:
    """Draw what `svg` and `figure` show."""
    return bars.capacities(
        summary.cells, leaders(summary.cells, summary.slo), headline(summary.slo)
    )


def svg(drawing: str, summary: Summary) -> str:
    """Return `capacity.svg`, which follows the colours of the page that shows it."""
    return standalone(drawing, headline(summary.slo), bars.described(summary.cells))


def figure(drawing: str, summary: Summary) -> Figure:
    """Return the chart as a part of a page, without a picture if it could not be drawn."""
    words = bars.described(summary.cells)
    picture = inline(drawing, "capacity", headline(summary.slo), words) if drawing else None
    return Figure("Capacity by model", CAPTION, picture, wide=True)
