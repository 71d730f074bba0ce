"""One line for each row, named above its end; dots are hollow where a load did not hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any, NamedTuple

import altair as alt

from loadtests.report.charts.axes import axis, logarithmic
from loadtests.report.charts.drawing import PAPER
from loadtests.report.charts.points import Style

WIDTH, HEIGHT, LINE = 380, 210, 14  # pixels; the last of a line of text
CHARACTER, GAP = 6.4, 8.0  # pixels, of a name
COLOUR = alt.Color("colour:N", scale=None)  # the data hold the colour itself
TEXT = alt.Color("text:N", scale=None)


class Flag(NamedTuple):
    """A name that ends at `x`, in this row above the chart; a staff leads down to its line."""

    name: str
    x: float
    row: int


@dataclass(slots=True)
class Lines:
    """Two logarithmic axes, and what is drawn between them: `below` first, then lines and dots."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_axis: Mapping[str, Any]
    y_axis: Mapping[str, Any]
    styles: Mapping[str, Style]
    dots: list[dict[str, Any]] = field(default_factory=list)
    path: list[dict[str, Any]] = field(default_factory=list)
    below: list[Any] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of lines not named like their row

    def dot(self, row: str, x: float, y: float, *, held: bool) -> None:
        """Add a dot, within the axes."""
        self.dots.append({**self._at(row, x, y), "held": held})

    def go(self, row: str, x: float, y: float) -> None:
        """Continue the line of a row, within the axes."""
        self.path.append(self._at(row, x, y))

    def chart(self) -> Any:
        x = alt.X("x:Q", scale=logarithmic(self.x), axis=axis(self.x, **self.x_axis))
        y = alt.Y("y:Q", scale=logarithmic(self.y), axis=axis(self.y, **self.y_axis))
        dots, path = (alt.Chart(values(rows)).encode(x, y) for rows in (self.dots, self.path))
        solid = dots.transform_filter("datum.held").mark_point(size=34, filled=True, opacity=1)
        hollow = dots.transform_filter("!datum.held").mark_point(
            size=34, fill=PAPER, opacity=1, strokeWidth=1.5
        )
        line = path.mark_line(strokeWidth=2, strokeJoin="round").encode(
            COLOUR, alt.Detail("row:N"), alt.StrokeDash("dash:N", scale=None)
        )
        marks = (line, solid.encode(COLOUR), hollow.encode(alt.Stroke("colour:N", scale=None)))
        return alt.layer(*self._flags(x, y), *self.below, *marks).properties(
            width=WIDTH, height=HEIGHT
        )

    def _at(self, row: str, x: float, y: float) -> dict[str, Any]:
        style = self.styles[row]
        inside = min(max(y, self.y[0]), self.y[1])
        return {"row": row, "x": x, "y": inside, "colour": style.colour, "dash": style.dash,
            "text": style.text}  # fmt: skip

    def _flags(self, x: alt.X, y: alt.Y) -> tuple[Any, Any]:
        """Write each name above the chart, with a staff down to the end of its line."""
        ends = {point["row"]: point for point in [*self.dots, *self.path]}
        rows = {self.names.get(row, row): row for row in ends}
        flags = placed((name, WIDTH * share(ends[row]["x"], self.x)) for name, row in rows.items())
        points = [
            {**ends[rows[flag.name]], "name": flag.name, "above": -LINE * flag.row - 14}
            for flag in flags
        ]
        chart = alt.Chart(values(points)).encode(x)
        staff = chart.mark_rule(opacity=0.55, y2=alt.expr("datum.above - 6")).encode(y, COLOUR)
        name = chart.mark_text(align="right", dx=-4, y=alt.expr("datum.above"))
        return staff, name.encode(TEXT, text=alt.Text("name:N"))


def placed(ends: Iterable[tuple[str, float]]) -> list[Flag]:
    """Give each name the lowest row where it covers no staff and no other name.

    It stands left of its staff, so only the staffs that begin below it can be in its way, and each
    of them leads up to a name: it goes above the highest of those.
    """
    flags: list[Flag] = []
    for name, x in sorted(ends, key=lambda end: end[1]):
        begin = x - width_of(name) - GAP
        rows = (flag.row for flag in flags if flag.x > begin)
        flags.append(Flag(name, x, 1 + max(rows, default=-1)))
    return flags


def width_of(name: str) -> float:
    """Estimate the width of a name: every reader has another font."""
    return CHARACTER * len(name)


def beside(chart: Any, text: str, colour: str) -> Any:
    """Write a text right of the axes, at the height of what the chart shows."""
    name = chart.mark_text(align="left", color=colour, dx=5)
    return name.encode(x=alt.value(WIDTH), text=alt.value(text))


def share(value: float, domain: tuple[float, float]) -> float:
    """Return how far along a logarithmic axis a value is: 0 at its start, 1 at its end."""
    low, high = domain
    return log(value / low) / log(high / low)


def values(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Give a chart its data; Altair copies lists over and over again, but not tuples."""
    return alt.InlineData(values=tuple(rows))
