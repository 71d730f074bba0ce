"""What became of the requests of a surge over time, in a lane for each admission policy."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from loadtests.report.charts.axes import even_ticks
from loadtests.report.charts.canvas import Canvas, text_width
from loadtests.report.charts.drawing import FAINT, INK, SOFT
from loadtests.report.survival.beyond import again_text
from loadtests.report.survival.surge import AFTER, DURING, OUTCOMES, SurgeLane
from loadtests.wording import percent

WIDTH, HEAD, LANE, GAP, AXIS, KEY = 350, 19, 56, 11, 40, 18  # pixels: the whole fits on a phone
BOX = 10  # of the key


def chart(lanes: Sequence[SurgeLane]) -> str:
    """Stack the requests by outcome, as multiples of the capacity, on one axis of time."""
    canvas, height = Canvas(), len(lanes) * (HEAD + LANE + GAP)
    most = max(max(_loads(lane)) for lane in lanes)
    length_s = max(sum(lane.windows) * lane.step_s for lane in lanes)
    for number, lane in enumerate(lanes):
        top = number * (HEAD + LANE + GAP) + HEAD
        bottom, scale, across = top + LANE, LANE / most, WIDTH / length_s
        again = again_text(lane.recovery_s, lane.seconds(AFTER))
        met = "not met again" if lane.recovery_s is None else f"met again {again}"
        text = f"{lane.name}: {percent(lane.share(DURING))} of the capacity in time, {met}"
        canvas.text(text, 1, top - 5, INK)
        for points, colour in _areas(lane):
            canvas.area([(across * s, bottom - scale * load) for s, load in points], colour)
        canvas.line([(0, bottom), (WIDTH, bottom)], FAINT)
        canvas.line([(0, bottom - scale), (WIDTH, bottom - scale)], INK)
        if not number:
            canvas.text("capacity", WIDTH, bottom - scale - 4, INK, anchor="end", size=11)
    for s in even_ticks(length_s):
        canvas.text(f"{s:g}", s * WIDTH / length_s, height + 4, SOFT, anchor="middle", size=11)
    canvas.text("seconds", WIDTH / 2, height + AXIS - 18, SOFT, anchor="middle")
    _key(canvas, height + AXIS)
    return canvas.svg(WIDTH, height + AXIS + KEY)


def _loads(lane: SurgeLane) -> list[float]:
    """Return the load of each window as a multiple of the capacity."""
    totals = map(sum, zip(*lane.series.values(), strict=True))
    return [total / (lane.capacity * lane.step_s) for total in totals]


def _areas(lane: SurgeLane) -> Iterator[tuple[list[tuple[float, float]], str]]:
    """Yield the outline of each outcome, in seconds and multiples of the capacity."""
    counts = [lane.series[name] for name in OUTCOMES]
    stacks = [[0.0, *accumulate(window)] for window in zip(*counts, strict=True)]
    levels = list(zip(*stacks, strict=True))
    unit = lane.capacity * lane.step_s
    for style, (below, above) in zip(OUTCOMES.values(), pairwise(levels), strict=True):
        if below != above:
            lower, upper = (
                [(at * lane.step_s, level[number] / unit)
                 for number in range(len(level)) for at in (number, number + 1)]
                for level in (below, above)
            )  # fmt: skip
            yield [*upper, *reversed(lower)], style.colour


def _key(canvas: Canvas, y: float) -> None:
    x = 0.0
    for style in OUTCOMES.values():
        canvas.box(x, y, BOX, BOX, style.colour)
        canvas.text(style.text, x + BOX + 4, y + BOX, SOFT, size=11)
        x += BOX + 4 + text_width(style.text) + 10
