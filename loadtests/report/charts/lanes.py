"""Every trial of a workload, in a lane for each row: response time against the offered rate."""

from collections.abc import Iterable, Sequence
from math import inf, log

from loadtests.report.charts.axes import ms_text, span
from loadtests.report.charts.bars import BarAxis
from loadtests.report.charts.canvas import Canvas
from loadtests.report.charts.drawing import FAINT, INK, PAPER, SOFT
from loadtests.report.charts.points import Style, styles, trials_by_row
from loadtests.report.wording import interval_text
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.slo import Slo

WIDTH, HEAD, LANE, GAP, AXIS = 350, 17, 48, 9, 37  # pixels: the whole fits on a phone
DOT = 7


def chart(results: Sequence[CellResult], trials: Iterable[TrialRecord], slo: Slo) -> str | None:
    """Draw p99 in each valid trial; None without any.

    Where more than 1 % of the requests were lost it is infinite: those trials are on the upper
    edge of their lane. A band in the colour of the row is its capacity, a grey band the estimate.
    """
    rows = trials_by_row(results, trials)
    if not rows:
        return None
    shown, looks = [result for result in results if result.row in rows], styles(results)
    rates = [trial.rate for those in rows.values() for trial in those]
    ends = [end for result in shown if result.sustained for end in (result.sustained, result.high)]
    axis = BarAxis.of([*rates, *ends], 0, WIDTH, room=1.1)
    times = [trial.work.p99_ms for those in rows.values() for trial in those if trial.work.p99_ms]
    bound_ms = 1e3 * slo.bound_s
    heights = span([*times, bound_ms], room=1.5)
    canvas = Canvas()
    height = len(shown) * (HEAD + LANE + GAP)
    axis.draw(canvas, HEAD, height - HEAD - GAP + 5)
    for number, result in enumerate(shown):
        top = number * (HEAD + LANE + GAP)
        text = f"{result.row}  {interval_text(result)}"
        canvas.text(text, 1, top + 12, looks[result.row].text, halo=True)
        _lane(canvas, axis, result, top + HEAD, looks[result.row])
        edge = _height(bound_ms, heights, top + HEAD)
        canvas.line([(0, edge), (WIDTH, edge)], INK)
        if not number:
            canvas.text(ms_text(bound_ms), WIDTH, edge + 13, INK, anchor="end", size=11, halo=True)
        for trial in rows[result.row]:
            y = _height(trial.work.p99_ms or inf, heights, top + HEAD)
            _dot(canvas, axis.at(trial.rate), y, looks[result.row], held=trial.held)
    canvas.text("offered, req/s", WIDTH / 2, height + AXIS - 6, SOFT, anchor="middle")
    return canvas.svg(WIDTH, height + AXIS)


def _lane(canvas: Canvas, axis: BarAxis, result: CellResult, top: float, look: Style) -> None:
    """Draw the frame of a lane, and behind its trials what was estimated and concluded."""
    for y in (top, top + LANE):
        canvas.line([(0, y), (WIDTH, y)], FAINT)
    estimates = sorted(filter(None, (result.predicted, result.ceiling)))
    if estimates:
        begin, end = axis.at(estimates[0]), axis.at(estimates[-1])
        canvas.box(begin, top, max(end - begin, 3), LANE, SOFT, opacity=0.2)
    if result.sustained:
        begin = axis.at(result.sustained)
        end = WIDTH if result.unbounded else axis.at(result.high)
        canvas.box(begin, top, max(end - begin, 2), LANE, look.colour, opacity=0.4)


def _height(ms: float, ends: tuple[float, float], top: float) -> float:
    """Return the pixel of a time in the lane that begins at `top`."""
    low, high = ends
    inside = min(max(ms, low), high)
    return top + LANE * (1 - log(inside / low) / log(high / low))


def _dot(canvas: Canvas, x: float, y: float, look: Style, *, held: bool) -> None:
    fill = look.colour if held else PAPER
    canvas.box(
        x - DOT / 2, y - DOT / 2, DOT, DOT, fill, stroke=look.colour, radius=DOT / 2
    )  # fmt: skip
