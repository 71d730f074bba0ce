"""What each row of a workload used as its load rose: one small chart for each row and resource."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt

from loadtests.report.charts.drawing import FAINT, INK, SOFT
from loadtests.report.charts.fit import rising
from loadtests.report.charts.lines import COLOUR, RAW, values
from loadtests.report.charts.pieces import BARE
from loadtests.report.charts.points import ENOUGH, of_rows, styles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from loadtests.run.file.cells import CellResult
    from loadtests.run.file.lines import TrialRecord

FIGURE, WIDTH, GAP, HEIGHT, HEAD = 58, 62, 10, 28, 22  # pixels
NAME, BETWEEN = 18, 12  # above each row, and below it
LOW, HIGH = 0.6, 1.7  # of the capacity: where the charts begin and end
LEAST_LAG_MS = 1.0


class Resource(NamedTuple):
    """What is shown of a resource: its figure, how that reads, and how high it stands, 0 to 1."""

    name: str
    figure: Callable[[TrialRecord], float | None]
    text: Callable[[float], str]
    height: Callable[[float, float], float] = lambda value, most: value / most if most else 0.0


def _lag_ms(trial: TrialRecord) -> float | None:
    lag = trial.evidence.get("loop_lag_p99_s")
    return None if lag is None else 1e3 * lag


def _log_height(value: float, most: float) -> float:
    if value <= LEAST_LAG_MS or most <= LEAST_LAG_MS:
        return 0.0
    return log(value / LEAST_LAG_MS) / log(most / LEAST_LAG_MS)


RESOURCES = (
    Resource("loop lag, p99", _lag_ms, "{:.0f} ms".format, _log_height),
    Resource("cores", lambda one: one.evidence.get("server_cores"), "{:.2f}".format),
    Resource("GIL held", lambda one: one.evidence.get("gil"), "{:.0%}".format),
    Resource("memory", lambda one: one.pss_mib, "{:.0f} MiB".format),
)


def shown(rows: dict[str, list[TrialRecord]]) -> list[Resource]:
    """Choose the resources that somebody watched."""
    trials = [one for found in rows.values() for one in found]
    return [one for one in RESOURCES if any(one.figure(trial) is not None for trial in trials)]


def chart(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> Any | None:
    """Draw them against the offered rate as a multiple of the capacity; None for nothing."""
    rows = {row: _enough(found) for row, found in of_rows(results, trials).items()}
    borne = {one.row: one.capacity or one.bears for one in results if one.measured and one.bears}
    rows = {row: found for row, found in rows.items() if row in borne and found}
    resources = shown(rows)
    if not resources:
        return None
    x, y, text = (alt.X("x:Q", scale=RAW, axis=None), alt.Y("y:Q", scale=RAW, axis=None), "text:N")
    frames = alt.Chart(values(list(_frames(len(rows), len(resources)))))
    points = [
        one
        for column, resource in enumerate(resources)
        for one in _points(rows, borne, resource, column, results)
    ]
    last = list({one["path"]: one for one in points}.values())
    words = alt.Chart(values(list(_words(rows, resources, points, results))))
    lines = alt.Chart(values(points)).encode(x, y, COLOUR)
    return alt.layer(
        frames.mark_rule(color=FAINT).encode(x, y, alt.X2("x2:Q"), alt.Y2("y2:Q")),
        lines.mark_line(strokeWidth=1.8).encode(alt.Detail("path:N")),
        alt.Chart(values(last)).mark_circle(size=14, opacity=1).encode(x, y, COLOUR),
        words.transform_filter("datum.left")
        .mark_text(align="left", fontSize=12)
        .encode(x, y, COLOUR, text=text),
        words.transform_filter("!datum.left")
        .mark_text(align="right", fontSize=12)
        .encode(x, y, COLOUR, text=text),
    ).properties(width=_left(len(resources)) - FIGURE - GAP, height=_bottom(len(rows)), view=BARE)


def _points(
    rows: dict[str, list[TrialRecord]],
    borne: dict[str, float],
    resource: Resource,
    column: int,
    results: Sequence[CellResult],
) -> Iterator[dict[str, Any]]:
    known = {
        row: [(one.rate, value, one.work.scheduled) for one in found
            if (value := resource.figure(one)) is not None]
        for row, found in rows.items()
    }  # fmt: skip
    most = max((value for found in known.values() for _, value, _ in found), default=0.0)
    looks = styles(one.cell for one in results)
    for number, (row, found) in enumerate(known.items()):
        fit = rising((value, weight) for _, value, weight in found)
        for (rate, _, _), value in zip(found, fit, strict=True):
            yield {
                "x": _left(column) + WIDTH * _share(rate / borne[row]),
                "y": _top(number) + HEIGHT * (1 - resource.height(value, most)),
                "colour": looks[row].colour,
                "path": f"{row}/{column}",
                "text": resource.text(value),
            }


def _words(
    rows: dict[str, list[TrialRecord]],
    resources: Sequence[Resource],
    points: list[dict[str, Any]],
    results: Sequence[CellResult],
) -> Iterator[dict[str, Any]]:
    looks = styles(one.cell for one in results)
    last = {point["path"]: point["text"] for point in points}
    for column, resource in enumerate(resources):
        yield {
            "x": _left(column) - FIGURE + 6,
            "y": 6,
            "text": resource.name,
            "colour": SOFT,
            "left": True,
        }
    for number, row in enumerate(rows):
        y = _top(number) + HEIGHT - 5
        head = {"x": 1, "y": _top(number) - NAME / 2 + 1, "text": row, "left": True}
        yield {**head, "colour": looks[row].text}
        for column in range(len(resources)):
            text = last.get(f"{row}/{column}", "?")
            x = _left(column) - 6
            yield {"x": x, "y": y, "text": text, "colour": INK, "left": False}


def _frames(rows: int, columns: int) -> Iterator[dict[str, float]]:
    """Draw below each small chart its base, and in it where the capacity is."""
    for top in map(_top, range(rows)):
        for left in map(_left, range(columns)):
            base, middle = top + HEIGHT, left + WIDTH * _share(1.0)
            yield {"x": left, "x2": left + WIDTH, "y": base, "y2": base}
            yield {"x": middle, "x2": middle, "y": top, "y2": base}


def _enough(found: Iterable[TrialRecord]) -> list[TrialRecord]:
    return [one for one in found if one.work.scheduled >= ENOUGH]


def _share(ratio: float) -> float:
    return min(max(log(ratio / LOW) / log(HIGH / LOW), 0.0), 1.0)


def _left(column: int) -> float:
    return FIGURE + column * (FIGURE + WIDTH + GAP)


def _top(row: int) -> float:
    return HEAD + NAME + row * (NAME + HEIGHT + BETWEEN)


def _bottom(rows: int) -> float:
    return _top(rows) - NAME - BETWEEN + 2
