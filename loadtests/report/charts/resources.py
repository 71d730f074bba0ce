"""What each row of a workload used near its capacity: a bar for each row and resource."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from loadtests.report.charts.canvas import Canvas
from loadtests.report.charts.drawing import FAINT, INK, SOFT
from loadtests.report.charts.points import NEAR, enough, styles, trials_by_row
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord

FIGURE, WIDTH, GAP, ROW, HEAD, NAME = 58, 62, 10, 38, 20, 18  # pixels
BAR = 10


class Resource(NamedTuple):
    """What is shown of a resource: its figure in a trial, and how that reads."""

    name: str
    figure: Callable[[TrialRecord], float | None]
    text: Callable[[float], str]


def _lag_ms(trial: TrialRecord) -> float | None:
    lag = trial.evidence.get("loop_lag_p99_s")
    return None if lag is None else 1e3 * lag


RESOURCES = (
    Resource("loop lag, p99", _lag_ms, "{:.0f} ms".format),
    Resource("cores", lambda trial: trial.evidence.get("server_cores"), "{:.2f}".format),
    Resource("GIL held", lambda trial: trial.evidence.get("gil"), "{:.0%}".format),
    Resource("memory", lambda trial: trial.pss_mib, "{:.0f} MiB".format),
)


def chart(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> str | None:
    """Draw the median over the trials near the capacity of each row; None if none is known."""
    rows = near_capacity(results, trials)
    figures = {
        resource: {
            row: median(known)
            for row, those in rows.items()
            if (known := [value for t in those if (value := resource.figure(t)) is not None])
        }
        for resource in RESOURCES
    }
    shown = [resource for resource in RESOURCES if figures[resource]]
    if not shown:
        return None
    canvas, looks = Canvas(), styles(results)
    for number, row in enumerate(rows):
        top = HEAD + number * ROW
        canvas.text(row, 1, top + NAME - 6, looks[row].text)
        for column, resource in enumerate(shown):
            left, value = FIGURE + column * (FIGURE + WIDTH + GAP), figures[resource].get(row)
            text = "?" if value is None else resource.text(value)
            canvas.text(text, left - 6, top + NAME + BAR, INK, anchor="end")
            canvas.rule(left, top + NAME, BAR + 2, FAINT)
            if value and (most := max(figures[resource].values())) > 0:
                canvas.box(left, top + NAME + 1, WIDTH * value / most, BAR, looks[row].colour)
    for column, resource in enumerate(shown):
        canvas.text(resource.name, column * (FIGURE + WIDTH + GAP) + 6, 10, SOFT)
    return canvas.svg(len(shown) * (FIGURE + WIDTH + GAP) - GAP, HEAD + len(rows) * ROW)


def near_capacity(
    results: Sequence[CellResult], trials: Iterable[TrialRecord]
) -> dict[str, list[TrialRecord]]:
    """Choose the trials of each row at about its capacity, whether they passed or not."""
    capacities = {result.row: result.capacity or 0.0 for result in results if result.sustained}
    near = {
        row: [t for t in enough(those) if 1 / NEAR <= t.rate / capacities[row] <= NEAR]
        for row, those in trials_by_row(results, trials).items()
        if row in capacities
    }
    return {row: those for row, those in near.items() if those}
