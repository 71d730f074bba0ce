"""The charts of a surge: goodput over time, and the outcomes of all requests, policy by policy."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import altair as alt

from loadtests.report.charts.drawing import FAINT, INK, SHADE, SOFT, inline, standalone
from loadtests.report.charts.vega import COLOUR, drawn, values
from loadtests.report.colours import shades, style_of
from loadtests.report.surge.results import load_text, recovery_text, sentences, title
from loadtests.report.survival.figures import Figure
from loadtests.report.survival.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loadtests.report.charts.converter import Converter
    from loadtests.report.gallery import Gallery
    from loadtests.run.surge.lines import OutcomeCounts, PolicyResult, Surge

WIDTH, HEIGHT, BETWEEN = 640, 90, 14  # pixels, of one panel and below it
CAPTION = (
    "Right answers in time, per second. Grey: offered load, with the surge on a tinted background; "
    "thin line: capacity."
)
OUTCOMES_TITLE = "Outcomes of all requests"
OUTCOMES_CAPTION = "Requests scheduled in each second, stacked in the order of the key from below."
# The palette of Okabe and Ito, in the order of the stack.
OUTCOMES = {
    "good": ("right and in time", "#009E73"),
    "late": ("right but late", "#E69F00"),
    "refused": ("refused", "#56B4E9"),
    "gave_up": ("gave up waiting", "#CC79A7"),
    "failed": ("an error, or never sent", "#8A8A8A"),
}
COUNTED = ("offered", *(name for name, _ in OUTCOMES.values()))


def svg(surge: Surge, converter: Converter) -> str:
    """Return `surge.svg`, which needs no font and no network. Raises Undrawn."""
    name = alt.TitleParams(title(surge), color=INK, anchor="start", offset=12)
    picture = drawn(_panels(_goodput, surge).properties(title=name), converter)
    return standalone(picture, title(surge), _description(surge))


def goodput_figure(surge: Surge, gallery: Gallery) -> Figure:
    """Return the same chart as part of a page, which has its own title."""
    empty = Figure("Goodput through the surge", CAPTION, None, wide=True)
    words = (title(surge), _description(surge))
    return _figure(empty, partial(_panels, _goodput, surge), ("surge", *words), gallery)


def outcomes_figure(surge: Surge, gallery: Gallery) -> Figure:
    """Show the outcomes of the requests of each second as stacked bars, with a table by phase."""
    rows = tuple(
        (result.policy, phase.name, *numbers(phase.counts))
        for result in surge.measured
        for phase in result.phases
    )
    table = Table(("admission", "phase", *COUNTED), rows, words=2)
    key = dict(OUTCOMES.values())
    empty = Figure(OUTCOMES_TITLE, OUTCOMES_CAPTION, None, table, key, wide=True)
    words = ("outcomes", OUTCOMES_TITLE, table.as_text())
    return _figure(empty, partial(_panels, _outcomes, surge), words, gallery)


def numbers(counts: OutcomeCounts) -> tuple[str, ...]:
    """Return the numbers for the columns of `COUNTED`."""
    return (str(counts.offered), *(str(getattr(counts, name)) for name in OUTCOMES))


def _description(surge: Surge) -> str:
    return " ".join((load_text(surge), *sentences(surge)))


def _figure(
    empty: Figure, chart: Callable[[], Any], words: tuple[str, str, str], gallery: Gallery
) -> Figure:
    """Draw a chart, and describe it in words: the name of its ids, its title and its content."""

    def draw() -> Figure:
        return replace(empty, picture=inline(drawn(chart(), gallery.converter), *words))

    return gallery.attempt(repr(empty.title), draw, empty)


def _panels(panel: Callable[[PolicyResult, Surge], Any], surge: Surge) -> Any:
    """Draw one panel for each policy, one below the other."""
    return alt.vconcat(*(panel(result, surge) for result in surge.measured), spacing=BETWEEN)


def _goodput(result: PolicyResult, surge: Surge) -> Any:
    first = result is surge.measured[0]
    colour, dash = style_of(result.policy)
    base = alt.Chart(values(_seconds(result))).properties(width=WIDTH, height=HEIGHT)
    across, upwards, height = _axes(result, surge, "req/s")
    limits = [{"from": result.surge.start_s, "to": result.surge.end_s, "name": "offered"}]
    surged = alt.Chart(values(limits))
    layers: list[Any] = [
        surged.mark_rect(color=SHADE).encode(alt.X("from:Q"), alt.X2("to:Q")),
        base.mark_area(color=FAINT, interpolate="step-after").encode(
            alt.X("at:Q", **across), alt.Y("offered:Q", scale=upwards, axis=height)
        ),
        base.mark_line(color=colour, strokeWidth=2.5, strokeDash=dash).encode(
            alt.X("middle:Q"), alt.Y("good:Q", scale=upwards)
        ),
        *_capacity(result, surge, named=first),
    ]
    if first:
        y = alt.datum(0.8 * result.surge.rate)
        label = surged.mark_text(align="left", color=INK, dx=5)
        layers.append(label.encode(alt.X("from:Q"), alt.Text("name:N"), y=y))
    return alt.layer(*layers).properties(title=_title(_heading(result, surge), shades(colour)[0]))


def _capacity(result: PolicyResult, surge: Surge, *, named: bool) -> Iterator[Any]:
    """Draw the capacity, named at the right, where the load is low."""
    line = [{"end": result.after.end_s, "height": surge.capacity, "name": "capacity"}]
    chart = alt.Chart(values(line)).encode(alt.Y("height:Q"))
    yield chart.mark_rule(color=SOFT, strokeWidth=1)
    if named:
        text = chart.mark_text(align="right", baseline="bottom", color=INK, dx=-5, dy=-3)
        yield text.encode(alt.X("end:Q"), alt.Text("name:N"))


def _seconds(result: PolicyResult) -> list[dict[str, Any]]:
    """Give each second its start and its middle, and the last one its end."""
    seconds: list[dict[str, Any]] = [
        {"at": at, "middle": at + 0.5, "offered": counts.offered, "good": counts.good}
        for at, counts in enumerate(result.series)
    ]
    return [*seconds, {**seconds[-1], "at": len(seconds), "middle": None, "good": None}]


def _heading(result: PolicyResult, surge: Surge) -> str:
    took = result.recovery_s
    again = "was not met again" if took is None else f"was met again {recovery_text(took)}"
    share = result.surge.goodput / (surge.capacity or 1)
    during = f"{100 * share:.0f} % of the capacity during the surge"
    return f"{result.policy}: {during}, after it {surge.slo} {again}"


def _outcomes(result: PolicyResult, surge: Surge) -> Any:
    across, upwards, height = _axes(result, surge, "requests")
    bars = alt.Chart(values(list(_stacked(result)))).mark_rect()
    return bars.encode(
        alt.X("begin:Q", **across),
        alt.X2("end:Q"),
        alt.Y("from:Q", scale=upwards, axis=height),
        alt.Y2("to:Q"),
        COLOUR,
    ).properties(width=WIDTH, height=HEIGHT, title=_title(result.policy, INK))


def _stacked(result: PolicyResult) -> Iterator[dict[str, Any]]:
    for at, second in enumerate(result.series):
        below = 0
        for name, (_, colour) in OUTCOMES.items():
            number = getattr(second, name)
            if number:
                yield {"begin": at + 0.04, "end": at + 0.96, "from": below, "to": below + number,
                    "colour": colour}  # fmt: skip
            below += number


def _axes(
    result: PolicyResult, surge: Surge, unit: str
) -> tuple[dict[str, Any], alt.Scale, alt.Axis]:
    """Return the axes of all panels: time, labelled below the last one, and the height."""
    last = result is surge.measured[-1]
    top = max(second.offered for every in surge.measured for second in every.series)
    across = {
        "scale": alt.Scale(domain=[0, result.after.end_s], nice=False),
        "axis": alt.Axis(title="seconds" if last else None, grid=False, labels=last),
    }
    height = alt.Axis(title=unit, tickCount=3, titlePadding=12)
    return across, alt.Scale(domain=[0, top], nice=True), height


def _title(text: str, colour: str) -> alt.TitleParams:
    return alt.TitleParams(text, color=colour, anchor="start", fontSize=12, offset=4)
