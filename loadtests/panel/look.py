"""The look of our tabs: that of all our pages, on the paper of Locust's."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from loadtests.report.colours import COLOURS, shades_of
from loadtests.report.pages import PAGE

TABS = Path(__file__).parent / "page" / "tabs.css"


@cache
def stylesheet() -> str:
    """Join the colours of the models, the style of every page, and what is the tabs' own."""
    style = (PAGE / "style.css").read_text()
    return "\n".join((":root {", *map(_lines, COLOURS), "}", style, TABS.read_text()))


def _lines(model: str) -> str:
    light, dark = shades_of(model)
    return f"--model-{model}: {COLOURS[model]}; --text-{model}: light-dark({light}, {dark});"
