"""Charts as SVG: colours for light and dark paper, a text alternative, no font and no network."""

import re
from xml.sax.saxutils import escape

from markupsafe import Markup

from loadtests.report.colours import COLOURS, OTHER, STAGES, shades

# Written into a picture for a style sheet to match: colour in light, colour in dark.
PAPER, INK, SOFT, FAINT = "#fdfdfe", "#1f2329", "#59616b", "#d0d3d7"
DARK = {
    PAPER: "#0d1117",
    INK: "#e6edf3",
    SOFT: "#9aa5b1",
    FAINT: "#3b424b",
    **dict(shades(colour) for colour in (*COLOURS.values(), OTHER)),
    **dict(STAGES.values()),
}
# Pixels. A reader's font may be wider than ours, which shows at the right.
PADDING = {"left": 4, "top": 4, "right": 16, "bottom": 4}


def standalone(picture: str, title: str, description: str) -> str:
    """Make it a file: with its text alternative, and colours for dark pages."""
    dark = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in DARK.items()
        if f'"{light}"' in picture
    )
    style = (
        "<style>text{font-family:system-ui,sans-serif}"
        f"@media (prefers-color-scheme: dark){{{dark}}}</style>"
    )
    return _labelled(picture, "", title, description, style)


def inline(picture: str, name: str, title: str, description: str) -> Markup:
    """Make it part of a page, which has the `rules` for its colours; `name` is unique there."""
    name = re.sub(r"[^\w-]", "-", name)  # it may be that of any workload
    named = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", picture)
    return Markup(_labelled(named, f"{name}-", title, description, ""))  # noqa: S704 - drawn by us, escaped


def rules() -> Markup:
    """Return the style of charts inside a page, which changes with its `color-scheme`."""
    lines = [
        f'.chart [{side}="{light}"] {{ {side}: light-dark({light}, {dark}); }}'
        for light, dark in DARK.items()
        for side in ("fill", "stroke")
    ]
    return Markup("\n".join(lines))  # noqa: S704 - our own colours


def _labelled(picture: str, prefix: str, title: str, description: str, style: str) -> str:
    inside = (
        f'<title id="{prefix}title">{escape(title)}</title>'
        f'<desc id="{prefix}desc">{escape(description)}</desc>{style}'
    )
    start = f'<svg role="img" aria-labelledby="{prefix}title {prefix}desc" '
    return re.sub(r"<svg ([^>]*>)", lambda match: start + match[1] + inside, picture, count=1)
