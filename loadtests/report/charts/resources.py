"""What each row of a workload used as its load rose: one small chart for each row and resource."""

from collections.abc import Callable, Iterable, Sequence
from math import log
from typing import NamedTuple

from loadtests.report.charts.canvas import Canvas
from loadtests.report.charts.drawing import FAINT, INK, SOFT
from loadtests.report.charts.points import enough, rising, styles, trials_by_row
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord

FIGURE, WIDTH, GAP, HEIGHT, HEAD = 58, 62, 10, 28, 22  # pixels
NAME, BETWEEN = 18, 12  # above each row, and below it
LOW, HIGH = 0.6, 1.7  # of the capacity: where the charts begin and end
LEAST_LAG_MS = 1.0


class Resource(NamedTuple):
    """What is shown of a resource: its figure, how that reads, and its height, from 0 to 1."""

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
    Resource("cores", lambda trial: trial.evidence.get("server_cores"), "{:.2f}".format),
    Resource("GIL held", lambda trial: trial.evidence.get("gil"), "{:.0%}".format),
    Resource("memory", lambda trial: trial.pss_mib, "{:.0f} MiB".format),
)


def chart(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> str | None:
    """Draw them against the offered rate as a multiple of the capacity; None if none is known."""
    capacities = {
        result.row: result.capacity or result.sustained
        for result in results
        if result.measured and result.sustained
    }
    rows = {
        row: chosen
        for row, those in trials_by_row(results, trials).items()
        if row in capacities and (chosen := enough(those))
    }
    resources = [
        resource
        for resource in RESOURCES
        if any(resource.figure(trial) is not None for those in rows.values() for trial in those)
    ]
    if not resources:
        return None
    canvas, looks = Canvas(), styles(results)
    for number, row in enumerate(rows):
        canvas.text(row, 1, _top(number) - NAME / 2 + 5, looks[row].text)
    for column, resource in enumerate(resources):
        canvas.text(resource.name, _left(column) - FIGURE + 6, 10, SOFT)
        known = {row: _known(resource, those) for row, those in rows.items()}
        most = max((value for dots in known.values() for _, value, _ in dots), default=0.0)
        for number, (row, dots) in enumerate(known.items()):
            left, top = _left(column), _top(number)
            base = top + HEIGHT
            canvas.line([(left, base), (left + WIDTH, base)], FAINT)
            canvas.rule(left + WIDTH * _share(1.0), top, HEIGHT, FAINT)  # the capacity
            fit = rising((value, weight) for _, value, weight in dots)
            points = [
                (
                    left + WIDTH * _share(rate / capacities[row]),
                    top + HEIGHT * (1 - resource.height(value, most)),
                )
                for (rate, _, _), value in zip(dots, fit, strict=True)
            ]
            if points:
                x, y = points[-1]
                canvas.line(points, looks[row].colour, 1.8)
                canvas.box(x - 2, y - 2, 4, 4, looks[row].colour, radius=2)
            figure = resource.text(fit[-1]) if fit else "?"
            canvas.text(figure, left - 6, top + HEIGHT - 1, INK, anchor="end")
    width = _left(len(resources)) - FIGURE - GAP
    return canvas.svg(width, _top(len(rows)) - NAME - BETWEEN + 2)


def _known(resource: Resource, trials: Sequence[TrialRecord]) -> list[tuple[float, float, int]]:
    """Return the rate, the figure and the weight of each trial that has the figure."""
    figures = [(trial, resource.figure(trial)) for trial in trials]
    return [
        (trial.rate, value, trial.work.scheduled) for trial, value in figures if value is not None
    ]


def _share(ratio: float) -> float:
    return min(max(log(ratio / LOW) / log(HIGH / LOW), 0.0), 1.0)


def _left(column: int) -> float:
    return FIGURE + column * (FIGURE + WIDTH + GAP)


def _top(row: int) -> float:
    return HEAD + NAME + row * (NAME + HEIGHT + BETWEEN)
