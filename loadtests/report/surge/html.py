"""A surge as one page that needs no network: what one studies, and sends to others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from loadtests.load.schedule import patience_s
from loadtests.load.spec import SETTLE_S
from loadtests.machine.environment import describe
from loadtests.report.charts.drawing import drawn, dressed, inline, rules, unchecked
from loadtests.report.colours import style_of
from loadtests.report.pages import render
from loadtests.report.surge import fates
from loadtests.report.surge.picture import figure
from loadtests.report.surge.sentences import sentences, warnings
from loadtests.report.surge.table import SHARES, load_text, table, title
from loadtests.report.survival.figures import Figure
from loadtests.report.survival.tables import Table
from loadtests.run.beyond.recovery import HELD_S
from loadtests.run.surge.phases import NAMES
from loadtests.run.surge.phases import SHARES as LOADS
from loadtests.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtests.report.gallery import Gallery
    from loadtests.run.surge.counts import OutcomeCounts
    from loadtests.run.surge.lines import PolicyResult, Surge

OUTCOMES = "What became of all requests"
STACKED = "Of those that were to start in each second, in the order of the key from below."
PADDING = {"left": 4, "top": 4, "right": 16, "bottom": 4}
COUNTED = ("offered", *(name for name, _ in fates.FATES.values()))


class Told(NamedTuple):
    """All seconds of one policy, and what there is to say of them in a line."""

    policy: str
    summary: str
    table: Table


def html(surge: Surge, gallery: Gallery) -> str:
    """Return the content of `report.html`."""
    return render(
        "surge.html",
        surge=surge,
        title=title(surge),
        load=load_text(surge),
        rules=rules(),
        sentences=sentences(surge),
        rows=table(surge),
        shares=SHARES,
        heads=NAMES,
        colour=lambda policy: style_of(policy)[0],
        figures=[figure(surge, gallery), _outcomes(surge, gallery)] if surge.measured else [],
        environment=describe(surge.environment),
        warnings=warnings(surge),
        seconds=list(map(_seconds, surge.measured)),
        method=list(_method(surge)),
    )


def _outcomes(surge: Surge, gallery: Gallery) -> Figure:
    rows = [
        (course.policy, phase.name, *_numbers(phase.counts))
        for course in surge.measured
        for phase in course.phases
    ]
    found = Table(("admission", "phase", *COUNTED), tuple(rows), words=2)
    named = Figure(OUTCOMES, STACKED, None, found, fates.key(), wide=True)

    def draw() -> Figure:
        with unchecked():
            chart = dressed(fates.chart(surge.measured), padding=PADDING)
            picture = drawn(chart, gallery.converter)
        return replace(named, picture=inline(picture, "outcomes", OUTCOMES, found.told()))

    return gallery.attempt(repr(OUTCOMES), draw, named)


def _seconds(course: PolicyResult) -> Told:
    rows = []
    for at, counts in enumerate(course.series):
        phase = next((one.name for one in course.phases if one.start_s <= at < one.end_s), "")
        rows.append((phase, str(at), *_numbers(counts)))
    offered = sum(one.offered for one in course.series)
    good = sum(one.good for one in course.series)
    said = f"{good} of {offered} requests were answered rightly and in time"
    return Told(course.policy, said, Table(("phase", "second", *COUNTED), tuple(rows)))


def _numbers(counts: OutcomeCounts) -> tuple[str, ...]:
    return (str(counts.offered), *(str(getattr(counts, name)) for name in fates.FATES))


def _method(surge: Surge) -> Iterator[str]:
    """Say how it was measured, one paragraph after the other."""
    before, during, after = map(percent, LOADS)
    yield (
        "A closed loop of many clients first found out what the cell bears roughly, under bounded "
        "admission: the best of three short goes, as noise only takes. Of this capacity, "
        f"{before} was offered before the surge, {during} during it, and {after} after it, "
        "whatever became of the requests before, on a seeded schedule whose arrivals are "
        f"random, as people come; {SETTLE_S:g} s at the first rate went before, and do not count. "
        "Each policy had a freshly started server, and the same arrivals."
    )
    yield (
        "Response time counts from the intended start, so what queues on the way counts too. An "
        f"answer is good if it is right and came within the bound of {surge.slo}. Refused are "
        "those that got a 503 or 504. A client that has no answer "
        f"{patience_s(surge.slo):g} s after its intended start hangs up: it gave up waiting."
    )
    span = min(HELD_S, surge.durations[2] / 2)
    yield (
        "“SLO again” is the time from the end of the surge to the first moment after which "
        f"the share of good answers was that of {surge.slo} for {span:g} s. A generator that did "
        "not keep its schedule, or was itself the limit, is named among the warnings."
    )
