"""A drawing of bars, rules and words that know their pixels: small tables that one sees."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal

import altair as alt

from loadtests.report.charts.drawing import INK, PAPER
from loadtests.report.charts.lines import COLOUR, RAW, values

X, Y = (alt.X("x:Q", scale=RAW, axis=None), alt.Y("y:Q", scale=RAW, axis=None))
Align = Literal["left", "center", "right"]
Weight = Literal["normal", "bold"]
BARE = alt.ViewBackground(stroke=None)


class Pieces:
    """Collects what is to be drawn: rules come first, then what is cleared, bars, and words."""

    def __init__(self) -> None:
        self._bars: list[dict[str, Any]] = []
        self._rules: list[dict[str, Any]] = []
        self._cleared: list[dict[str, Any]] = []
        self._words: dict[tuple[Align, int, Weight], list[dict[str, Any]]] = defaultdict(list)

    def bar(self, begin: float, end: float, top: float, height: float, colour: str) -> None:
        self._bars.append(_box(begin, end, top, height, colour))

    def upright(self, x: float, top: float, height: float, colour: str, wide: float = 1) -> None:
        """Draw a vertical rule."""
        one = {"x": x, "x2": x, "y": top, "y2": top + height, "colour": colour, "wide": wide}
        self._rules.append(one)

    def word(  # noqa: PLR0913 - a text, its place and its look
        self, text: str, x: float, y: float, colour: str = INK, *,
        align: Align = "left", size: int = 11, weight: Weight = "normal", clear: float = 0,
    ) -> None:  # fmt: skip
        """Write a text whose base line is at `y`; wipe rules away where it is, if it is so wide."""
        if clear:
            self._cleared.append(_box(x - 2, x + clear + 2, y - size + 1, size + 3, PAPER))
        one = {"text": text, "x": x, "y": y, "colour": colour}
        self._words[align, size, weight].append(one)

    def chart(self, width: float, height: float) -> Any:
        """Draw them all."""
        cleared = alt.Chart(values(self._cleared)).mark_rect()
        bars = alt.Chart(values(self._bars)).mark_rect(cornerRadius=3, opacity=0.85)
        rules = alt.Chart(values(self._rules)).mark_rule()
        layers = [
            rules.encode(
                X,
                Y,
                COLOUR,
                x2=alt.X2("x2:Q"),
                y2=alt.Y2("y2:Q"),
                size=alt.Size("wide:Q", scale=RAW),
            ),
            *(
                one.encode(X, Y, COLOUR, x2=alt.X2("x2:Q"), y2=alt.Y2("y2:Q"))
                for one in (cleared, bars)
            ),
        ]
        for (align, size, weight), found in self._words.items():
            mark = alt.Chart(values(found)).mark_text(
                align=align, fontSize=size, fontWeight=weight, baseline="alphabetic"
            )
            layers.append(mark.encode(X, Y, COLOUR, text=alt.Text("text:N")))
        return alt.layer(*layers).properties(width=width, height=height, view=BARE)


def _box(begin: float, end: float, top: float, height: float, colour: str) -> dict[str, Any]:
    return {"x": begin, "x2": end, "y": top, "y2": top + height, "colour": colour}
