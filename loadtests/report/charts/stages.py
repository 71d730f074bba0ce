"""Where the time went above the capacity: late requests beside typical ones, drawn to scale."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from loadtests.load.answer import Stages
from loadtests.report.charts.axes import even_ticks, ms_text
from loadtests.report.charts.canvas import Canvas, text_width
from loadtests.report.charts.drawing import FAINT, INK, PAPER, SOFT
from loadtests.report.charts.points import Style, failed_above
from loadtests.report.colours import STAGES
from loadtests.report.wording import SIGNS
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import TrialRecord
from loadtests.wording import STAGE_NAMES, rate_text

BLACK, WHITE = "#10141a", "#ffffff"  # on colours that are the same on dark paper
LEFT, WIDTH, BAR, HEAD, GAP, AXIS = 48, 302, 17, 19, 12, 22  # pixels: it fits on a phone
# The colour of a stage's name on the colour of the stage.
ON = {
    "lag": INK,
    "outside": INK,
    "queued": PAPER,
    "dispatched": PAPER,
    "on_cpu": WHITE,
    "off_cpu": BLACK,
    "back": INK,
}


class Spent(NamedTuple):
    """The mean stages of one group of requests just above a capacity, in seconds.

    Without stages, `why` says in words why there are none.
    """

    row: str
    group: str
    rate: float
    stages: Stages | None
    why: str = ""


def spent(results: Sequence[CellResult], trials: Iterable[TrialRecord]) -> list[Spent]:
    """Return what is known about each row: its typical requests, and its late ones."""
    every = list(trials)
    rows = [list(_groups(result, every)) for result in results]
    groups = [
        group for row in rows for group in row if group.stages or not any(g.stages for g in row)
    ]
    return groups if any(group.stages for group in groups) else []


def chart(groups: Sequence[Spent], styles: Mapping[str, Style]) -> str:
    longest = 1e3 * max(group.stages.total for group in groups if group.stages)
    canvas, y, row = Canvas(), 0.0, ""
    for group in groups:
        if group.row != row:
            y += HEAD + (GAP if row else 0)
            row = group.row
            head = f"{row} at about {rate_text(group.rate)} req/s"
            canvas.text(head, LEFT + 1, y - 4, styles[row].text)
        canvas.text(group.group, LEFT - 7, y + 12.5, SOFT, anchor="end", size=11)
        if group.stages:
            _bar(canvas, group.stages, y, WIDTH / longest)
        else:
            canvas.text(group.why, LEFT + 5, y + 12.5, SOFT, size=11)
        y += BAR + 3
    y += 4
    canvas.line([(LEFT, y), (LEFT + WIDTH, y)], FAINT)
    for ms in even_ticks(longest):
        x = LEFT + WIDTH * ms / longest
        canvas.rule(x, y, 5, FAINT)
        canvas.text(ms_text(ms), x, y + 17, anchor="middle", size=11)
    return canvas.svg(LEFT + WIDTH, y + AXIS)


def key() -> dict[str, str]:
    """Return the colour of each part by its name, as style sheets write it."""
    return {
        STAGE_NAMES[name]: f"light-dark({light}, {dark})" for name, (light, dark) in STAGES.items()
    }


def _groups(result: CellResult, trials: Sequence[TrialRecord]) -> Iterator[Spent]:
    broke = failed_above(result, (trial for trial in trials if trial.cell == result.cell))
    if not broke:
        return
    rate = fmean(trial.rate for trial in broke)
    for name in ("typical", "late"):
        known = _mean(name, broke)
        yield Spent(result.row, name, rate, known, "" if known else _why(broke, name))


def _mean(name: str, trials: Iterable[TrialRecord]) -> Stages | None:
    """Return the mean stages of a group over trials, which weigh by its requests there."""
    known, weights = [], []
    for trial in trials:
        seconds = trial.evidence.get(name)
        if seconds and len(seconds) == len(Stages._fields):
            known.append(seconds)
            weights.append(max(trial.work.late if name == "late" else trial.work.scheduled, 1))
    return Stages(*(fmean(spent, weights) for spent in zip(*known, strict=True))) if known else None


def _why(trials: Sequence[TrialRecord], name: str) -> str:
    """Explain missing stages: a refused request, for example, is neither answered nor late."""
    if name == "late" and not any(trial.work.late for trial in trials):
        sign = SIGNS.get(trials[0].broke_by or "", ("", ""))[1]
        return f"none was late: {sign}" if sign else "none was late"
    return f"no {'late ' if name == 'late' else ''}answer was read"


def _bar(canvas: Canvas, stages: Stages, y: float, pixels_per_ms: float) -> None:
    """Draw the stages side by side, in a frame because some are as pale as the paper."""
    begin = float(LEFT)
    for stage, took_s in zip(Stages._fields, stages, strict=True):
        name, on, width = STAGE_NAMES[stage], ON[stage], 1e3 * took_s * pixels_per_ms
        canvas.box(begin, y, width, BAR, STAGES[stage][0])
        if width >= text_width(name) + 8:
            canvas.text(name, begin + 5, y + 12.5, on, size=11)
        begin += width
    canvas.box(LEFT, y, begin - LEFT, BAR, "none", stroke=SOFT)
