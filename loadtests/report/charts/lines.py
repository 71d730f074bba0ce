"""One line for each row, named at its end; dots are hollow where a load was not held."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING, Any

import altair as alt

from loadtests.report.charts.axes import axis, logarithmic
from loadtests.report.charts.drawing import PAPER
from loadtests.report.charts.flags import placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtests.report.charts.points import Style

WIDTH, HEIGHT, LINE = 380, 210, 14  # pixels; the last of a line of text
RAW = None  # a scale: what the data hold is what is drawn
COLOUR = alt.Color("colour:N", scale=RAW)


@dataclass(slots=True)
class Lines:
    """Two logarithmic axes, and what is drawn between them, what is first below what is last."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_axis: Mapping[str, Any]
    y_axis: Mapping[str, Any]
    styles: Mapping[str, Style]
    dots: list[dict[str, Any]] = field(default_factory=list)
    path: list[dict[str, Any]] = field(default_factory=list)
    below: list[Any] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of lines, where a row's does not do

    def dot(self, row: str, x: float, y: float, *, held: bool) -> None:
        """Put a dot, inside of the axes."""
        self.dots.append({**self._at(row, x, y), "held": held})

    def go(self, row: str, x: float, y: float) -> None:
        """Draw the line of a row on, inside of the axes."""
        self.path.append(self._at(row, x, y))

    def chart(self) -> Any:
        """Draw it all."""
        x = alt.X("x:Q", scale=logarithmic(self.x), axis=axis(self.x, **self.x_axis))
        y = alt.Y("y:Q", scale=logarithmic(self.y), axis=axis(self.y, **self.y_axis))
        dots, path = (alt.Chart(values(each)).encode(x, y) for each in (self.dots, self.path))
        solid = dots.transform_filter("datum.held").mark_point(size=34, filled=True, opacity=1)
        hollow = dots.transform_filter("!datum.held").mark_point(
            size=34, fill=PAPER, opacity=1, strokeWidth=1.5
        )
        line = path.mark_line(strokeWidth=2, strokeJoin="round").encode(
            COLOUR, alt.Detail("row:N"), alt.StrokeDash("dash:N", scale=RAW)
        )
        marks = (line, solid.encode(COLOUR), hollow.encode(alt.Stroke("colour:N", scale=RAW)))
        # The names know their pixels: they must not share the scales of the rest.
        return (
            alt.layer(self._named(), alt.layer(*self.below, *marks))
            .resolve_scale(x="independent", y="independent")
            .properties(width=WIDTH, height=HEIGHT)
        )

    def _at(self, row: str, x: float, y: float) -> dict[str, Any]:
        style = self.styles[row]
        inside = min(max(y, self.y[0]), self.y[1])
        return {"row": row, "x": x, "y": inside, "colour": style.colour, "dash": style.dash}

    def _named(self) -> Any:
        """Write each name above the chart, with a staff down to the end of its line."""
        ends = {one["row"]: one for one in [*self.dots, *self.path]}
        rows = {self.names.get(row, row): row for row in ends}
        flags = placed((name, WIDTH * share(ends[row]["x"], self.x)) for name, row in rows.items())
        each = [
            {
                "x": flag.x,
                "y": -LINE * flag.row - 14,
                "top": -LINE * flag.row - 20,
                "foot": HEIGHT * (1 - share(ends[rows[flag.name]]["y"], self.y)),
                "name": flag.name,
                "colour": self.styles[rows[flag.name]].colour,
                "text": self.styles[rows[flag.name]].text,
            }
            for flag in flags
        ]
        chart = alt.Chart(values(each)).encode(alt.X("x:Q", scale=RAW, axis=None))
        foot = alt.Y("foot:Q", scale=RAW, axis=None)
        staff = chart.mark_rule(opacity=0.55).encode(foot, COLOUR, y2=alt.Y2("top:Q"))
        name = chart.mark_text(align="right", dx=-4).encode(
            alt.Y("y:Q", scale=RAW, axis=None),
            alt.Color("text:N", scale=RAW),
            text=alt.Text("name:N"),
        )
        return alt.layer(staff, name)


def beside(chart: Any, text: str, colour: str) -> Any:
    """Write a text right of the axes, at the height of what the chart shows."""
    name = chart.mark_text(align="left", color=colour, dx=5)
    return name.encode(x=alt.value(WIDTH), text=alt.value(text))


def share(value: float, domain: tuple[float, float]) -> float:
    """Return how far along a logarithmic axis a value stands: 0 at its begin, 1 at its end."""
    low, high = domain
    return log(value / low) / log(high / low)


def values(each: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Give a chart its data; Altair copies lists over and over again, but no tuples."""
    return alt.InlineData(values=tuple(each))
