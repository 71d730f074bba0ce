"""Detect a load under which work piles up before any answer is late.

At 3 % overload, the backlog of a five-second trial delays an answer by only 150 ms. Earlier than
that, it shows that fewer requests leave than arrive.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance

from loadtests.load.answer import Answer
from loadtests.slo import Slo

HORIZON_S = 60.0  # how far the growth is extrapolated
_BINS = 10
_T95 = 1.833  # Student's t, one-sided 95 %, nine degrees of freedom


@dataclass(frozen=True, slots=True)
class Backlog:
    """The number of requests in flight at both ends of a trial, and where its growth leads."""

    start: int
    end: int
    per_s: float
    error_per_s: float
    forecast_ms: float
    grows: bool


def backlog(answers: Sequence[Answer], slo: Slo, duration_s: float) -> Backlog:
    """Judge the growth of the number of requests in flight.

    It grows if both are true: continued for a minute, it would push the response time past the
    bound (Little's law: response time = number in flight ÷ rate), and it differs from zero by more
    than its standard error explains.

    The slope is the difference between both ends, not a fitted line: the schedule offers an exact
    count, so bursts cancel between the ends, but would bend a line. Its error comes from the
    departures in ten bins, without an assumption about autocorrelation: a saturated server
    answers at its own pace, so the bins are independent and their sum is the uncertainty of the
    slope. Below saturation, departures copy the bursts of the arrivals, the error is estimated too
    large, and the test errs towards "held".

    Answers of the settle time (intended before 0) may be included. If they are not, the window
    begins one bound later, when an answer from before it would already be late.
    """
    settled = any(answer.intended_s < 0 for answer in answers)
    begin = 0.0 if settled else min(slo.bound_s, duration_s / 4)
    window = duration_s - begin
    sent = [answer for answer in answers if answer.sent_s is not None]
    start = sum(_in_flight(answer, begin) for answer in sent)
    end = sum(_in_flight(answer, duration_s) for answer in sent)
    departures = [0] * _BINS
    arrived = 0
    for answer in sent:
        if answer.sent_s is not None and begin < answer.sent_s <= duration_s:
            arrived += 1
        if answer.ended_s is not None and begin <= answer.ended_s < duration_s:
            departures[int((answer.ended_s - begin) / window * _BINS)] += 1
    per_s = (end - start) / window
    # One request at each end may fall on either side of it.
    error_per_s = math.sqrt(_BINS * variance(departures) + 2) / window
    rate = arrived / window
    forecast_s = max(end + HORIZON_S * per_s, 0.0) / rate if rate else 0.0
    return Backlog(
        start=start,
        end=end,
        per_s=per_s,
        error_per_s=error_per_s,
        forecast_ms=1000 * forecast_s,
        grows=forecast_s > slo.bound_s and per_s > _T95 * error_per_s,
    )


def _in_flight(answer: Answer, at_s: float) -> bool:
    return (answer.sent_s is not None and answer.sent_s <= at_s) and (
        answer.ended_s is None or answer.ended_s > at_s
    )
