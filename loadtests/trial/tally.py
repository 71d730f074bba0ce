"""Count the answers of one stream of requests, and time them from their intended start."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.load.answer import Answer
from loadtests.slo import Slo

LOSSES = ("late", "refused", "expired", "failed", "wrong", "unfinished")
SPECTRUM = (50, 75, 90, 95, 99, 99.9, 100)  # percentiles to draw the whole distribution from


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts and times of one stream of requests over one trial.

    Response times start at the intended start; a request without a right answer is infinitely
    slow. A time is None where it is infinite, and where there is nothing to time.
    """

    scheduled: int = 0
    ok: int = 0
    late: int = 0
    refused: int = 0
    expired: int = 0
    failed: int = 0
    wrong: int = 0
    unfinished: int = 0
    unsent: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    service_p50_ms: float | None = None
    lag_p50_ms: float | None = None
    lag_p99_ms: float | None = None
    lagged: int = 0  # sent later than `lag_allowed_s` after their intended start
    goodput: float = 0.0
    spectrum_ms: tuple[float | None, ...] = ()  # response times at the percentiles of `SPECTRUM`

    @property
    def lost(self) -> int:
        """Count all scheduled requests except those answered correctly and in time."""
        return self.scheduled - self.ok

    @property
    def loss_ratio(self) -> float:
        """The lost share of the schedule."""
        return self.lost / self.scheduled if self.scheduled else 0.0


def good(answer: Answer, slo: Slo) -> bool:
    """Whether it was answered correctly and in time."""
    ended = answer.ended_s
    return answer.outcome == "ok" and ended is not None and ended - answer.intended_s <= slo.bound_s


def tally(answers: Iterable[Answer], slo: Slo, duration_s: float, *, short: bool = False) -> Tally:
    """Count the answers whose intended start lies in the measured window.

    In a trial that was ended early (`short`), a request without an answer is late if it had waited
    for longer than the bound. Otherwise it is left out, because it might have been in time.
    """
    counts = dict.fromkeys(("ok", *LOSSES, "unsent"), 0)
    response, service, lag = [], [], []
    for answer in answers:
        if not 0 <= answer.intended_s < duration_s:
            continue
        kind: str = answer.outcome
        if short and kind == "unfinished":
            if duration_s - answer.intended_s <= slo.bound_s:
                continue
            kind = "late"
        took = math.inf
        if answer.sent_s is not None:
            lag.append(answer.sent_s - answer.intended_s)
        if answer.outcome == "ok" and answer.ended_s is not None and answer.sent_s is not None:
            took = answer.ended_s - answer.intended_s
            service.append(answer.ended_s - answer.sent_s)
            kind = "ok" if took <= slo.bound_s else "late"
        response.append(took)
        counts[kind] += 1
    for times in (response, service, lag):
        times.sort()
    return Tally(
        scheduled=len(response),
        **counts,
        p50_ms=percentile_ms(response, 50),
        p95_ms=percentile_ms(response, 95),
        p99_ms=percentile_ms(response, 99),
        service_p50_ms=percentile_ms(service, 50),
        lag_p50_ms=percentile_ms(lag, 50),
        lag_p99_ms=percentile_ms(lag, 99),
        lagged=sum(late > lag_allowed_s(slo) for late in lag),
        goodput=counts["ok"] / duration_s,
        spectrum_ms=_spectrum_ms(response),
    )


def lag_allowed_s(slo: Slo, *, loose: bool = False) -> float:
    """How late a generator may send: 5 % of the bound up to 5 ms, then 2 % of it; at least 2 ms.

    The kernel makes a runnable thread wait about 3 ms for a core, regardless of the bound. A surge
    separates good from bad, not 250 from 255 ms, so there the rule is `loose`: 10 % of the bound.
    """
    if loose:
        return 0.1 * slo.bound_s
    return max(0.002, min(0.005, 0.05 * slo.bound_s), 0.02 * slo.bound_s)


def percentile_ms(ordered_s: Sequence[float], percentile: float) -> float | None:
    """Take the nearest-rank percentile of sorted seconds: p99 ≤ T is then a loss ratio ≤ 1 %."""
    if not ordered_s:
        return None
    rank = math.ceil(percentile * len(ordered_s) / 100 - 1e-9)
    value = ordered_s[max(rank, 1) - 1]
    return None if math.isinf(value) else 1000 * value


def _spectrum_ms(ordered_s: Sequence[float]) -> tuple[float | None, ...]:
    times = (percentile_ms(ordered_s, percentile) for percentile in SPECTRUM)
    return tuple(None if time is None else round(time, 3) for time in times)
