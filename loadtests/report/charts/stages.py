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

WIDTH, BAR, ROW, HEAD = 560, 14, 56, 17  # pixels
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
    rows = list(dict.fromkeys(one.row for one in parts))
    longest = 1e3 * max(one.stages.total for one in parts)
    scale = alt.Scale(domain=[0, longest], nice=False)
    y = alt.Y("y:Q", scale=RAW)
    pieces = alt.Chart(values(list(_pieces(parts, rows, longest))))
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
    heads = alt.Chart(values(list(_heads(parts, rows, styles))))
    at, text = alt.value(0), alt.Text("text:N")
    above = heads.transform_filter("datum.row").mark_text(align="left", fontSize=11, dx=1)
    aside = heads.transform_filter("!datum.row").mark_text(align="right", fontSize=10, dx=-6)
    return alt.layer(
        bars,
        named.encode(x="begin:Q", y=y, text="name:N"),
        *(one.encode(x=at, y=y, text=text, color=COLOUR) for one in (above, aside)),
    ).properties(width=WIDTH, height=ROW * len(rows), view=BARE)


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


def _pieces(parts: Sequence[Spent], rows: list[str], longest: float) -> Iterator[dict[str, Any]]:
    for one in parts:
        top, begin = _top(one, rows), 0.0
        for stage, took_s in zip(Stages._fields, one.stages, strict=True):
            name, colour = PARTS[stage]
            end = begin + 1e3 * took_s
            fits = WIDTH * (end - begin) / longest >= max(LEAST, 6 * len(name) + 8)
            yield {"begin": begin, "end": end, "y": top, "below": top + BAR, "colour": colour,
                "name": name if fits else None}  # fmt: skip
            begin = end


def _heads(
    parts: Sequence[Spent], rows: list[str], styles: Mapping[str, Style]
) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows):
        rate = next(one.rate for one in parts if one.row == row)
        text = f"{row} at {rate_text(rate)} req/s"
        yield {"text": text, "y": ROW * number + 10, "colour": styles[row].text, "row": True}
    for one in parts:
        y = _top(one, rows) + BAR / 2
        yield {"text": one.group, "y": y, "colour": SOFT, "row": False}


def _top(one: Spent, rows: list[str]) -> float:
    return ROW * rows.index(one.row) + HEAD + (BAR + 2) * (one.group == "late")
