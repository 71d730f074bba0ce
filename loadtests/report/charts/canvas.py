"""Pictures of bars, lines and texts that are placed by the pixel, written as SVG by a template."""

from collections.abc import Iterable
from typing import Literal

from loadtests.report.charts.drawing import INK, PADDING, PAPER
from loadtests.report.pages import render

Anchor = Literal["start", "middle", "end"]
SMALL = 12  # pixels: a page may shrink a picture to nine tenths, and letters stay legible
CHARACTER, BOLD_CHARACTER = 6.7, 7.4  # the width of a small character, in most fonts
SHARE_BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}  # of a text, left of its place


class Canvas:
    """Collects marks; later ones cover earlier ones."""

    def __init__(self) -> None:
        self._marks: list[tuple[str, dict[str, str], str]] = []  # tag, attributes, text
        self._left = self._right = 0.0  # where the texts begin and end

    def box(  # noqa: PLR0913 - its place and its look
        self, x: float, y: float, width: float, height: float, fill: str, *,
        stroke: str = "none", radius: float = 0, opacity: float = 1,
    ) -> None:  # fmt: skip
        self._add(
            "rect", x=x, y=y, width=width, height=height, fill=fill, stroke=stroke, rx=radius,
            opacity=opacity,
        )  # fmt: skip

    def line(self, points: Iterable[tuple[float, float]], stroke: str, width: float = 1) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._add("polyline", points=path, fill="none", stroke=stroke, stroke_width=width)

    def area(self, points: Iterable[tuple[float, float]], fill: str) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._add("polygon", points=path, fill=fill)

    def rule(self, x: float, top: float, height: float, stroke: str, width: float = 1) -> None:
        self.line([(x, top), (x, top + height)], stroke, width)

    def text(  # noqa: PLR0913 - a text, its place and its look
        self, text: str, x: float, y: float, fill: str = INK, *,
        anchor: Anchor = "start", size: int = SMALL, bold: bool = False, halo: bool = False,
    ) -> None:  # fmt: skip
        """Write a text with its baseline at `y`; a halo hides the lines behind it."""
        look: dict[str, float | str] = {"font_weight": "bold"} if bold else {}
        if halo:
            look |= {"stroke": PAPER, "stroke_width": 5, "paint_order": "stroke"}
        width = text_width(text, bold=bold) * size / SMALL
        begin = x - SHARE_BEFORE[anchor] * width
        self._left, self._right = min(self._left, begin), max(self._right, begin + width)
        self._add("text", text, x=x, y=y, fill=fill, text_anchor=anchor, font_size=size, **look)

    def svg(self, width: float, height: float) -> str:
        """Return the picture: this size, or wider if a text needs it, and with padding."""
        width = max(width, self._right) - self._left
        return render(
            "drawing.svg",
            width=round(width + PADDING["left"] + PADDING["right"]),
            height=round(height + PADDING["top"] + PADDING["bottom"]),
            left=round(PADDING["left"] - self._left),
            top=PADDING["top"],
            paper=PAPER,
            marks=self._marks,
        )

    def _add(self, tag: str, text: str = "", **attributes: float | str) -> None:
        rounded = {
            name.replace("_", "-"): value if isinstance(value, str) else f"{round(value, 1):g}"
            for name, value in attributes.items()
        }
        self._marks.append((tag, rounded, text))


def text_width(text: str, *, bold: bool = False) -> float:
    """Estimate the width of a small text: every reader has another font."""
    return (BOLD_CHARACTER if bold else CHARACTER) * len(text)
