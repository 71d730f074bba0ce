"""What became of the requests of each second of a surge: a bar each, a panel for each policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from loadtests.report.charts.drawing import INK
from loadtests.report.charts.lines import COLOUR, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.run.surge.lines import PolicyResult

WIDTH, HEIGHT = 640, 90  # pixels, of one panel
# After Okabe and Ito again, in the order in which they stand on each other.
FATES = {
    "good": ("right and in time", "#009E73"),
    "late": ("right but late", "#E69F00"),
    "refused": ("refused", "#56B4E9"),
    "gave_up": ("gave up waiting", "#CC79A7"),
    "failed": ("an error, or never sent", "#8A8A8A"),
}


def chart(courses: Sequence[PolicyResult]) -> Any:
    """Draw one panel below the other, on the same scale."""
    top = max(second.offered for course in courses for second in course.series)
    panels = [_panel(course, top, last=course is courses[-1]) for course in courses]
    return alt.vconcat(*panels, spacing=14)


def key() -> dict[str, str]:
    """Return the colour of each outcome by its name, as they stand from below."""
    return dict(FATES.values())


def _panel(course: PolicyResult, top: int, *, last: bool) -> Any:
    seconds = alt.Axis(title="seconds" if last else None, grid=False, labels=last)
    across = alt.Scale(domain=[0, course.after.end_s], nice=False)
    upwards = alt.Scale(domain=[0, top], nice=True)
    name = alt.TitleParams(course.policy, color=INK, anchor="start", fontSize=12, offset=4)
    height = alt.Axis(title="requests", tickCount=3, titlePadding=12)
    bars = alt.Chart(values(list(_pieces(course)))).mark_rect()
    return bars.encode(
        alt.X("begin:Q", scale=across, axis=seconds),
        alt.X2("end:Q"),
        alt.Y("from:Q", scale=upwards, axis=height),
        alt.Y2("to:Q"),
        COLOUR,
    ).properties(width=WIDTH, height=HEIGHT, title=name)


def _pieces(course: PolicyResult) -> Iterator[dict[str, Any]]:
    for at, second in enumerate(course.series):
        below = 0
        for name, (_, colour) in FATES.items():
            number = getattr(second, name)
            if number:
                yield {"begin": at + 0.04, "end": at + 0.96, "from": below, "to": below + number,
                    "colour": colour}  # fmt: skip
            below += number
