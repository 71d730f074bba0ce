"""A surge as one page that needs no network, to study and to share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.machine.environment import describe
from loadtests.report.charts.drawing import rules
from loadtests.report.colours import style_of
from loadtests.report.pages import render
from loadtests.report.surge.charts import COUNTED, goodput_figure, numbers, outcomes_figure
from loadtests.report.surge.results import (
    HEADS,
    SHARES,
    load_text,
    sentences,
    table,
    title,
    warnings,
)
from loadtests.report.survival.tables import Table
from loadtests.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtests.report.gallery import Gallery
    from loadtests.run.surge.lines import PolicyResult, Surge


def html(surge: Surge, gallery: Gallery) -> str:
    """Return the content of `report.html`."""
    figures = [goodput_figure, outcomes_figure] if surge.measured else []
    return render(
        "surge.html",
        surge=surge,
        title=title(surge),
        load=load_text(surge),
        rules=rules(),
        sentences=sentences(surge),
        rows=table(surge),
        shares=SHARES,
        heads=HEADS,
        colour=lambda policy: style_of(policy)[0],
        figures=[figure(surge, gallery) for figure in figures],
        environment=describe(surge.environment),
        warnings=warnings(surge),
        seconds=list(map(_seconds, surge.measured)),
        method=list(_method(surge)),
    )


def _seconds(result: PolicyResult) -> tuple[str, str, Table]:
    """Return the policy, a line that sums up its seconds, and all of them as a table."""
    rows = []
    for at, counts in enumerate(result.series):
        names = (phase.name for phase in result.phases if phase.start_s <= at < phase.end_s)
        rows.append((next(names, ""), str(at), *numbers(counts)))
    offered = sum(counts.offered for counts in result.series)
    good = sum(counts.good for counts in result.series)
    summary = f"{good} of {offered} requests got a right answer in time"
    return result.policy, summary, Table(("phase", "second", *COUNTED), tuple(rows))


def _method(surge: Surge) -> Iterator[str]:
    """Yield the paragraphs on how it was measured."""
    used = surge.constants
    before, during, after = map(percent, used["loads"])
    held_s = min(used["held_s"], surge.durations[2] / 2)
    yield (
        "A closed loop of many clients first estimated the capacity of the cell, under bounded "
        f"admission: the best of {used['probes']} short attempts, because noise can only lower "
        f"it. Of this capacity, {before} was offered before the surge, {during} during it, "
        f"and {after} after it, on a seeded schedule with random arrivals that does not "
        "wait for slow answers. "
        f"A lead-in of {used['settle_s']:g} s at the first rate does not count. "
        "Each policy had a freshly started server, and the same arrivals."
    )
    yield (
        "Response time counts from the intended start, so time spent queueing on the way counts "
        f"too. An answer is good if it is right and within the bound of {surge.slo}. Refused "
        f"requests got a 503 or 504. A client without an answer {used['patience_s']:g} s after its "
        "intended start hangs up: it gave up waiting."
    )
    yield (
        f"“{HEADS[-1]}” is the time from the end of the surge to the first moment after which "
        f"the share of good answers met {surge.slo} for {held_s:g} s. A generator that fell "
        "behind its schedule, or was itself the limit, is named in the warnings."
    )
