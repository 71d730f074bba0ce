"""A flame graph: what the threads of a service were doing, the wider the more often.

The first call is on top, and what it called stands below it. It is HTML, so that it needs neither
script nor network, and is as wide as the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from markupsafe import Markup

from loadtests.report.pages import render
from loadtests.report.wording import guilty_text
from loadtests.run.file.cells import CellResult

NARROWEST = 0.008  # of the width: what is narrower cannot be seen
READABLE = 0.04  # of the width: nothing is written on what is narrower
ROW_REM = 1.25


class FlameBox(NamedTuple):
    """Calls of one line below the same call, in shares of the width; `guilty` if to blame."""

    text: str
    left: float
    width: float
    depth: int
    guilty: bool


@dataclass(slots=True)
class _Call:
    count: int = 0
    calls: dict[str, _Call] = field(default_factory=dict)


def flame(stacks: Mapping[str, int], cell: CellResult) -> Markup:
    """Draw the stacks that an autopsy of a cell saw; nothing if there are none."""
    guilty = cell.guilty
    blamed = f"{guilty.get('function')} ({guilty.get('file')}:"
    drawn = list(boxes(stacks, blamed))
    if not drawn:
        return Markup()
    rows = 1 + max(box.depth for box in drawn)
    page = render(
        "flame.html",
        boxes=drawn,
        rem=ROW_REM,
        rows=rows,
        readable=READABLE,
        label=guilty_text(cell),
    )
    return Markup(page)  # noqa: S704 - its template escapes


def boxes(stacks: Mapping[str, int], blamed: str = "") -> Iterator[FlameBox]:
    """Lay out the calls of collapsed stacks; `blamed` is how the guilty call begins."""
    root = _Call()
    for stack, count in stacks.items():
        root.count += count
        call = root
        for text in stack.split(";"):
            call = call.calls.setdefault(text, _Call())
            call.count += count
    yield from _below(root, 0.0, 0, root.count, blamed)


def _below(call: _Call, left: float, depth: int, whole: int, blamed: str) -> Iterator[FlameBox]:
    for text, inner in sorted(call.calls.items(), key=lambda item: -item[1].count):
        width = inner.count / whole
        if width >= NARROWEST:
            guilty = bool(blamed) and text.startswith(blamed)
            yield FlameBox(text, left, width, depth, guilty)
            yield from _below(inner, left, depth + 1, whole, blamed)
        left += width
