"""The picture of a surge: goodput over time under each policy, with the offered load behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import altair as alt

from loadtests.report.charts.drawing import (
    FAINT,
    INK,
    SHADE,
    SOFT,
    drawn,
    dressed,
    inline,
    standalone,
    unchecked,
)
from loadtests.report.colours import shades, style_of
from loadtests.report.surge.sentences import again_text, sentences
from loadtests.report.surge.table import load_text, title
from loadtests.report.survival.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtests.report.charts.converter import Converter
    from loadtests.report.gallery import Gallery
    from loadtests.run.surge.lines import PolicyResult, Surge

WIDTH, HEIGHT = 640, 90


CAPTION = (
    "Right answers in time, per second. Grey: what was offered, the surge on a tinted ground; "
    "the thin line: the capacity."
)


def svg(surge: Surge, converter: Converter) -> str:
    """Return `surge.svg`; it names no font of its own and needs no network. Raises Undrawn."""
    name = alt.TitleParams(title(surge), color=INK, anchor="start", offset=12)
    return standalone(_drawn(surge, converter, title=name), title(surge), _told(surge))


def figure(surge: Surge, gallery: Gallery) -> Figure:
    """Return it as a part of a page, which says what it shows."""
    padding = {"left": 4, "top": 4, "right": 16, "bottom": 4}
    named = Figure("Goodput through the surge", CAPTION, None, wide=True)

    def draw() -> Figure:
        picture = _drawn(surge, gallery.converter, padding=padding)
        return replace(named, picture=inline(picture, "surge", title(surge), _told(surge)))

    return gallery.attempt(repr(named.title), draw, named)


def _drawn(surge: Surge, converter: Converter, *, padding: Any = None, **properties: Any) -> str:
    top = max(second.offered for course in surge.measured for second in course.series)
    last = surge.measured[-1]
    with unchecked():
        panels = [_panel(course, surge, top, last=course is last) for course in surge.measured]
        chart = alt.vconcat(*panels, spacing=14).properties(**properties)
        return drawn(dressed(chart, **{"padding": padding} if padding else {}), converter)


def _told(surge: Surge) -> str:
    return " ".join((load_text(surge), *sentences(surge)))


def _panel(course: PolicyResult, surge: Surge, top: int, *, last: bool) -> Any:
    colour, dash = style_of(course.policy)
    data = alt.InlineData(values=_seconds(course))
    base = alt.Chart(data).properties(width=WIDTH, height=HEIGHT)
    at = alt.X("at:Q", scale=alt.Scale(domain=[0, course.after.end_s], nice=False),
        axis=alt.Axis(title="seconds" if last else None, grid=False, labels=last))  # fmt: skip
    to = alt.Scale(domain=[0, top], nice=True)
    height = alt.Axis(title="req/s", tickCount=3, titlePadding=12)
    limits = [{"from": course.surge.start_s, "to": course.surge.end_s, "name": "offered"}]
    surged = alt.Chart(alt.InlineData(values=limits))
    layers: list[Any] = [
        surged.mark_rect(color=SHADE).encode(alt.X("from:Q"), alt.X2("to:Q")),
        base.mark_area(color=FAINT, interpolate="step-after").encode(
            at, alt.Y("offered:Q", scale=to, axis=height)
        ),
        base.mark_line(color=colour, strokeWidth=2.5, strokeDash=dash).encode(
            alt.X("middle:Q"), alt.Y("good:Q", scale=to)
        ),
        *_capacity(course, surge, named=course is surge.measured[0]),
    ]
    if course is surge.measured[0]:
        label = surged.mark_text(align="left", color=INK, dx=5)
        layers.append(
            label.encode(alt.X("from:Q"), alt.Text("name:N"), y=alt.datum(0.8 * course.surge.rate))
        )
    ink = shades(colour)[0]
    text = alt.TitleParams(
        _heading(course, surge), color=ink, anchor="start", fontSize=12, offset=4
    )
    return alt.layer(*layers).properties(title=text)


def _capacity(course: PolicyResult, surge: Surge, *, named: bool) -> Iterator[Any]:
    """Draw how much can come in time at best, named at the right, where the load is low."""
    line = [{"end": course.after.end_s, "height": surge.capacity, "name": "capacity"}]
    chart = alt.Chart(alt.InlineData(values=line)).encode(alt.Y("height:Q"))
    yield chart.mark_rule(color=SOFT, strokeWidth=1)
    if named:
        text = chart.mark_text(align="right", baseline="bottom", color=INK, dx=-5, dy=-3)
        yield text.encode(alt.X("end:Q"), alt.Text("name:N"))


def _seconds(course: PolicyResult) -> list[dict[str, Any]]:
    """Give each second its start and its middle, and the last one its end."""
    found: list[dict[str, Any]] = [
        {"at": at, "middle": at + 0.5, "offered": one.offered, "good": one.good}
        for at, one in enumerate(course.series)
    ]
    return [*found, {**found[-1], "at": len(found), "middle": None, "good": None}]


def _heading(course: PolicyResult, surge: Surge) -> str:
    took = course.recovery_s
    again = "did not hold again" if took is None else f"held again {again_text(took)}"
    share = course.surge.goodput / (surge.capacity or 1)
    during = f"{100 * share:.0f} % of the capacity during the surge"
    return f"{course.policy}: {during}, after it {surge.slo} {again}"
