"""Where the time went when a cell broke: late requests beside typical ones, drawn to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt

from loadtests.evidence import Stages
from loadtests.report.charts.axes import MS
from loadtests.report.charts.lines import COLOUR, RAW, values
from loadtests.report.charts.pieces import BARE
from loadtests.report.charts.points import Style, at_break
from loadtests.report.drawing import PAPER, SOFT
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loadtests.records import CellResult, TrialRecord

WIDTH, BAR, HEAD, GAP = 470, 14, 17, 10  # pixels
LEAST = 52  # a part that is narrower does not bear its name
# After Okabe and Ito again; the name stands on or beside each part that can be seen.
PARTS = {
    "lag": ("sent late", "#8A8A8A"),
    "outside": ("on the way", "#56B4E9"),
    "queued": ("queued", "#E69F00"),
    "dispatched": ("dispatched", "#9A8F1F"),
    "on_cpu": ("on CPU", "#009E73"),
    "off_cpu": ("waiting", "#6C8EBF"),
    "back": ("way back", "#CC79A7"),
}


class Spent(NamedTuple):
    """The mean stages of one group of requests at the break of a cell, in seconds."""

    row: str
    group: str
    rate: float
    stages: Stages


def spent(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> list[Spent]:
    """Return what is known of each row: of typical requests, and of late ones."""
    found = list(trials)
    return [one for result in results for one in _of(result, found)]


def chart(parts: Sequence[Spent], styles: Mapping[str, Style]) -> Any:
    """Draw two bars for each row."""
    tops, height = _tops(parts)
    longest = 1e3 * max(one.stages.total for one in parts)
    scale = alt.Scale(domain=[0, longest], nice=False)
    y = alt.Y("y:Q", scale=RAW)
    pieces = alt.Chart(values(list(_pieces(parts, tops, longest))))
    bars = pieces.mark_rect(stroke=PAPER, strokeWidth=0.6).encode(
        alt.X("begin:Q", scale=scale, axis=alt.Axis(labelExpr=MS, title=None, tickCount=6)),
        alt.X2("end:Q"),
        y,
        alt.Y2("below:Q"),
        COLOUR,
    )
    named = pieces.transform_filter("datum.name").mark_text(
        align="left", baseline="middle", dx=4, dy=BAR / 2 + 0.5, fontSize=10, color="#10141a"
    )
    heads = alt.Chart(values(list(_heads(parts, tops, styles))))
    at, text = alt.value(0), alt.Text("text:N")
    above = heads.transform_filter("datum.row").mark_text(align="left", fontSize=11, dx=1)
    aside = heads.transform_filter("!datum.row").mark_text(align="right", fontSize=10, dx=-6)
    return alt.layer(
        bars,
        named.encode(x=alt.X("begin:Q"), y=y, text=alt.Text("name:N")),
        *(one.encode(x=at, y=y, text=text, color=COLOUR) for one in (above, aside)),
    ).properties(width=WIDTH, height=height, view=BARE)


def key() -> dict[str, str]:
    """Return the colour of each part by its name."""
    return dict(PARTS.values())


def _of(result: CellResult, trials: Sequence[TrialRecord]) -> Iterator[Spent]:
    trial = at_break(result, (one for one in trials if one.cell == result.cell))
    if trial is None:
        return
    for group in ("typical", "late"):
        said = trial.evidence.get(group)
        if said and len(said) == len(Stages._fields):
            yield Spent(result.row, group, trial.rate, Stages(*said))


def _tops(parts: Sequence[Spent]) -> tuple[list[float], float]:
    """Return where each bar begins, and how high all of them are; each row has a line above."""
    tops, y, row = [], 0.0, ""
    for one in parts:
        y += 0 if one.row == row else HEAD + (GAP if row else 0)
        tops.append(y)
        y, row = y + BAR + 2, one.row
    return tops, y + 4


def _pieces(
    parts: Sequence[Spent], tops: Sequence[float], longest: float
) -> Iterator[dict[str, Any]]:
    for one, top in zip(parts, tops, strict=True):
        begin = 0.0
        for stage, took_s in zip(Stages._fields, one.stages, strict=True):
            name, colour = PARTS[stage]
            end = begin + 1e3 * took_s
            fits = WIDTH * (end - begin) / longest >= max(LEAST, 6 * len(name) + 8)
            yield {"begin": begin, "end": end, "y": top, "below": top + BAR, "colour": colour,
                "name": name if fits else None}  # fmt: skip
            begin = end


def _heads(
    parts: Sequence[Spent], tops: Sequence[float], styles: Mapping[str, Style]
) -> Iterator[dict[str, Any]]:
    row = ""
    for one, top in zip(parts, tops, strict=True):
        if one.row != row:
            text = f"{one.row} at {rate_text(one.rate)} req/s"
            yield {"text": text, "y": top - 7, "colour": styles[one.row].text, "row": True}
        yield {"text": one.group, "y": top + BAR / 2, "colour": SOFT, "row": False}
        row = one.row
