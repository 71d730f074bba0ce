"""One line for each row, named at its end; dots are hollow where a load was not held."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING, Any

import altair as alt

from loadtests.report.charts.axes import axis, logarithmic
from loadtests.report.charts.flags import placed
from loadtests.report.drawing import PAPER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loadtests.report.charts.points import Style

WIDTH, HEIGHT, LINE = 400, 210, 14  # pixels; the last of a line of text
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
        layers = [
            *self.below,
            *self._flags(),
            line,
            solid.encode(COLOUR),
            hollow.encode(alt.Stroke("colour:N", scale=RAW)),
        ]
        return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)

    def _at(self, row: str, x: float, y: float) -> dict[str, Any]:
        style = self.styles[row]
        inside = min(max(y, self.y[0]), self.y[1])
        return {"row": row, "x": x, "y": inside, "colour": style.colour, "dash": style.dash}

    def _flags(self) -> Iterator[Any]:
        ends = {one["row"]: one for one in [*self.dots, *self.path]}
        for flag in placed((row, self._pixel(one["x"])) for row, one in ends.items()):
            style, height = self.styles[flag.name], -LINE * flag.row - 8
            end = alt.Chart(values([ends[flag.name]]))
            staff = end.mark_rule(color=style.colour, strokeWidth=1, opacity=0.55)
            yield staff.encode(alt.X("x:Q"), alt.Y("y:Q"), y2=alt.value(height - 8))
            name = end.mark_text(align="right", color=style.text, dx=-4, dy=-2, fontSize=11)
            yield name.encode(alt.X("x:Q"), y=alt.value(height), text=alt.value(flag.name))

    def _pixel(self, x: float) -> float:
        low, high = self.x
        return WIDTH * log(x / low) / log(high / low)


def values(each: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=each)
