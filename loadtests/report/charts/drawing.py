"""Charts as SVG: colours for light and dark paper, a text alternative, no font and no network."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import altair as alt
from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from loadtests.report.colours import COLOURS, OTHER, STAGES, shades

if TYPE_CHECKING:
    from loadtests.report.charts.converter import Converter

# Written into a picture for a style sheet to find: colour in light, colour in dark.
PAPER, INK, SOFT, FAINT, SHADE = "#fdfdfe", "#1f2329", "#59616b", "#d0d3d7", "#f6dcd0"
DARK = {
    PAPER: "#0d1117",
    INK: "#e6edf3",
    SOFT: "#9aa5b1",
    FAINT: "#3b424b",
    SHADE: "#4a2a1c",
    **dict(shades(colour) for colour in (*COLOURS.values(), OTHER)),
    **dict(STAGES.values()),
}
PLACES = 1  # of a pixel
LENGTHS = re.compile(r' (?:d|transform|[xy][12]?|width|height|font-size|stroke-width)="[^"]*"')
NEEDLESS = re.compile(
    r' (?:aria-[a-z]+|role|class|pointer-events|stroke-miterlimit|font-family)="[^"]*"'
)
CIRCLE = re.compile(
    r'<path transform="translate\(([^,]*),([^)]*)\)" d="M([^,]*),0A\3,\3,0,1,1,-\3,0A[^"]*"'
)
EMPTY = re.compile(r'<path d="[^"]*" display="none"></path>|<g></g>')


def unchecked() -> AbstractContextManager[None]:
    """Draw in half the time: Altair checks each part against its schema; our tests do so for us."""
    return debug_mode(False)


def dressed(chart: Any, **more: Any) -> Any:
    """Give a chart the look that all of them have."""
    axis = alt.AxisConfig(labelColor=INK, titleColor=INK, gridColor=FAINT, domainColor=FAINT,
        tickColor=FAINT, titleFontWeight="normal", labelFontSize=11)  # fmt: skip
    looks = {"background": PAPER, "padding": 16, "view": alt.ViewConfig(stroke=FAINT), "axis": axis}
    return chart.configure(**looks | more)


def drawn(chart: Any, converter: Converter) -> str:
    """Draw a dressed chart; whoever shows it gives it a text alternative. Raises Undrawn."""
    with alt.data_transformers.enable(consolidate_datasets=False):  # which hashes all data
        specification = chart.to_dict(validate=False)
    picture = converter.svg(specification)
    picture = LENGTHS.sub(lambda found: _rounded(found[0]), NEEDLESS.sub("", picture))
    picture = CIRCLE.sub(r'<circle cx="\1" cy="\2" r="\3"', picture).replace(' opacity="1"', "")
    while (less := EMPTY.sub("", picture)) != picture:
        picture = less
    return picture


def standalone(picture: str, title: str, told: str) -> str:
    """Make a file of it: with its text alternative, and colours for dark pages."""
    dark = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in DARK.items()
        if f'"{light}"' in picture
    )
    style = (
        "<style>text{font-family:system-ui,sans-serif}"
        f"@media (prefers-color-scheme: dark){{{dark}}}</style>"
    )
    return _told(picture, "", title, told, style)


def inline(picture: str, name: str, title: str, told: str) -> Markup:
    """Make it a part of a page, which has the `rules` for its colours; `name` is unique there."""
    named = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", picture)
    return Markup(_told(named, f"{name}-", title, told, ""))  # noqa: S704 - drawn by us, escaped


def rules() -> Markup:
    """Return the style of charts inside a page, which changes with its `color-scheme`."""
    lines = [
        f'.chart [{side}="{light}"] {{ {side}: light-dark({light}, {dark}); }}'
        for light, dark in DARK.items()
        for side in ("fill", "stroke")
    ]
    return Markup("\n".join(lines))  # noqa: S704 - our own colours


def _told(picture: str, prefix: str, title: str, told: str, style: str) -> str:
    inside = (
        f'<title id="{prefix}title">{escape(title)}</title>'
        f'<desc id="{prefix}desc">{escape(told)}</desc>{style}'
    )
    labelled = f'<svg role="img" aria-labelledby="{prefix}title {prefix}desc" '
    return re.sub(r"<svg ([^>]*>)", lambda found: labelled + found[1] + inside, picture, count=1)


def _rounded(attribute: str) -> str:
    return re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda found: _short(float(found[0])), attribute)


def _short(number: float) -> str:
    return f"{round(number, PLACES):g}".replace("-0.", "-.").removeprefix("0") or "0"
