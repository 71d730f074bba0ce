"""Where the time went when a cell broke: late requests beside typical ones, drawn to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt

from loadtests.load.answer import Stages
from loadtests.report.charts.axes import MS
from loadtests.report.charts.drawing import INK, PAPER, SOFT
from loadtests.report.charts.lines import COLOUR, RAW, values
from loadtests.report.charts.pieces import BARE
from loadtests.report.charts.points import Style, at_break
from loadtests.report.colours import STAGES
from loadtests.report.wording import SIGNS
from loadtests.wording import rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import TrialRecord

BLACK, WHITE = "#10141a", "#ffffff"  # on colours that are the same on dark paper
WIDTH, BAR, HEAD, GAP = 436, 17, 19, 12  # pixels
CHARACTER = 6.9  # pixels: a part that is narrower than its name does not bear it
# What a stage is called, and the colour of that name upon the colour of the stage.
PARTS = {
    "lag": ("sent late", INK),
    "outside": ("on the way", INK),
    "queued": ("queued", PAPER),
    "dispatched": ("dispatched", PAPER),
    "on_cpu": ("on CPU", WHITE),
    "off_cpu": ("waiting", BLACK),
    "back": ("way back", INK),
}


class Spent(NamedTuple):
    """The mean stages of one group of requests at the break of a cell, in seconds.

    Without stages, `why` says in words why there are none.
    """

    row: str
    group: str
    rate: float
    stages: Stages | None
    why: str = ""


def spent(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> list[Spent]:
    """Return what is known of each row: of typical requests, and of late ones."""
    found = list(trials)
    each = [one for result in results for one in _of(result, found)]
    return each if any(one.stages for one in each) else []


def chart(parts: Sequence[Spent], styles: Mapping[str, Style]) -> Any:
    """Draw two bars for each row."""
    tops, height = _tops(parts)
    longest = 1e3 * max(one.stages.total for one in parts if one.stages)
    scale = alt.Scale(domain=[0, longest], nice=False)
    y = alt.Y("y:Q", scale=RAW)
    axis = alt.Axis(labelExpr=MS, title=None, tickCount=6, grid=False)
    pieces = alt.Chart(values(list(_pieces(parts, tops, longest))))
    bars = pieces.mark_rect(stroke=PAPER, strokeWidth=0.6).encode(
        alt.X("begin:Q", scale=scale, axis=axis),
        alt.X2("end:Q"),
        y,
        alt.Y2("below:Q"),
        COLOUR,
    )
    named = pieces.transform_filter("datum.name").mark_text(
        align="left", baseline="middle", dx=5, dy=BAR / 2 + 0.5, fontSize=11
    )
    heads = alt.Chart(values(list(_heads(parts, tops, styles))))
    at, text = alt.value(0), alt.Text("text:N")
    above = heads.transform_filter("datum.at == 'above'").mark_text(align="left", fontSize=12, dx=1)
    aside = heads.transform_filter("datum.at == 'aside'").mark_text(align="right", dx=-7)
    instead = heads.transform_filter("datum.at == 'instead'").mark_text(align="left", dx=5)
    return alt.layer(
        bars,
        _outlines(parts, tops).encode(x=alt.X("begin:Q"), x2=alt.X2("end:Q"), y=y, y2="below:Q"),
        named.encode(
            alt.Color("on:N", scale=RAW), x=alt.X("begin:Q"), y=y, text=alt.Text("name:N")
        ),
        *(one.encode(x=at, y=y, text=text, color=COLOUR) for one in (above, aside, instead)),
    ).properties(width=WIDTH, height=height, view=BARE)


def key() -> dict[str, str]:
    """Return the colour of each part by its name, as style sheets say it."""
    return {
        PARTS[stage][0]: f"light-dark({light}, {dark})" for stage, (light, dark) in STAGES.items()
    }


def _of(result: CellResult, trials: Sequence[TrialRecord]) -> Iterator[Spent]:
    trial = at_break(result, (one for one in trials if one.cell == result.cell))
    if trial is None:
        return
    for group in ("typical", "late"):
        said = trial.evidence.get(group)
        known = Stages(*said) if said and len(said) == len(Stages._fields) else None
        yield Spent(result.row, group, trial.rate, known, "" if known else _why(trial, group))


def _why(trial: TrialRecord, group: str) -> str:
    """Say why there are no stages: refused requests, say, are neither answered nor late."""
    if group == "late" and not trial.work.late:
        sign = SIGNS.get(trial.broke_by or "", ("", ""))[1]
        return f"none was late: {sign}" if sign else "none was late"
    return f"no {'late ' if group == 'late' else ''}answer was read"


def _tops(parts: Sequence[Spent]) -> tuple[list[float], float]:
    """Return where each bar begins, and how high all of them are; each row has a line above."""
    tops, y, row = [], 0.0, ""
    for one in parts:
        y += 0 if one.row == row else HEAD + (GAP if row else 0)
        tops.append(y)
        y, row = y + BAR + 3, one.row
    return tops, y + 4


def _pieces(
    parts: Sequence[Spent], tops: Sequence[float], longest: float
) -> Iterator[dict[str, Any]]:
    for one, top in zip(parts, tops, strict=True):
        begin = 0.0
        for stage, took_s in zip(Stages._fields, one.stages or (), strict=bool(one.stages)):
            name, on = PARTS[stage]
            end = begin + 1e3 * took_s
            fits = WIDTH * (end - begin) / longest >= CHARACTER * len(name) + 8
            yield {"begin": begin, "end": end, "y": top, "below": top + BAR, "on": on,
                "colour": STAGES[stage][0], "name": name if fits else None}  # fmt: skip
            begin = end


def _outlines(parts: Sequence[Spent], tops: Sequence[float]) -> Any:
    """Frame each bar: some stages are as pale as the paper."""
    each = [
        {"begin": 0, "end": 1e3 * one.stages.total, "y": top, "below": top + BAR}
        for one, top in zip(parts, tops, strict=True)
        if one.stages
    ]
    return alt.Chart(values(each)).mark_rect(filled=False, stroke=SOFT, strokeWidth=1)


def _heads(
    parts: Sequence[Spent], tops: Sequence[float], styles: Mapping[str, Style]
) -> Iterator[dict[str, Any]]:
    row = ""
    for one, top in zip(parts, tops, strict=True):
        if one.row != row:
            text = f"{one.row} at {rate_text(one.rate)} req/s"
            yield {"text": text, "y": top - 8, "colour": styles[one.row].text, "at": "above"}
        middle = {"y": top + BAR / 2 + 0.5, "colour": SOFT}
        yield {"text": one.group, "at": "aside", **middle}
        if one.why:
            yield {"text": one.why, "at": "instead", **middle}
        row = one.row
