"""A ladder of clients, from which follows what a service lets in at a time.

N clients that send their next request as soon as they have an answer are a closed network: by
Little's law N = X · R, with X answers per second that took R each. Below its limit a service takes
as long as for a lone request, so X grows with N; beyond it X stays, and R grows with N. Where X
stays although the processors have time left, X · R of the rungs below is what it lets in.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from loadtests.trial.admitted import Admitted

MOST = 256  # clients
GROWS = 1.15  # times the rate with twice or four times as many clients: less is the limit
STAYS = 1.25  # likewise for the last two rungs alone
LAW = 0.1  # of N, by which X · R may differ from it
BELOW = 0.8  # of what is let in: with so many clients none waits
ALIKE = 0.9  # of the highest rate: such rungs are beyond the knee
NEAR = 1.05  # times the least time of a rung: such rungs were undisturbed
STEADY = 0.3  # of the mean: times that vary by no more are those of equal requests
ONE_CORE = 0.85  # of a core in each process: a GIL or an event loop leaves the rest to chance
FULL = 0.9  # of all cores
USUAL = 0.03  # the standard deviation of a rung, as a share: machines are not equally fast
PATIENCE_S = 4.0  # a rung whose answers take longer is not climbed


@dataclass(frozen=True, slots=True)
class Rung:
    """So many clients: their answers per second, and how long these took on average."""

    clients: int
    rate: float
    response_s: float
    answers: int
    deviation_s: float = 0.0  # of the times of answers
    server_cores: float | None = None  # busy meanwhile; None where that is not visible
    thread_busy: float | None = None  # the share of time for which its busiest thread could run
    generator_cores: float = 0.0
    beside_s: float | None = None  # how long another request took on average

    @property
    def lawful(self) -> bool:
        """Whether N = X · R: else clients waited for something else than answers."""
        return abs(self.rate * self.response_s - self.clients) <= LAW * self.clients

    @property
    def error_s(self) -> float:
        """Two standard errors of the mean time."""
        return 2 * self.deviation_s / math.sqrt(self.answers) if self.answers else math.inf


def rung(
    clients: int, answers: Sequence[tuple[float, float]], begin_s: float, end_s: float
) -> Rung | None:
    """Count the answers of a window: each has its end, by which they are sorted, and its time.

    The window is moved to the last answers before its ends: clients that wait for equal answers
    keep step, and a window that cuts their batches would count one too many or too few. None
    without an answer in it.
    """
    ends = [end for end, _ in answers]
    first, last = bisect_right(ends, begin_s), bisect_right(ends, end_s)
    if first == last:
        return None
    begin_s = ends[first - 1] if first else begin_s
    times = [time for _, time in answers[first:last]]
    count, took_s, mean_s = last - first, ends[last - 1] - begin_s, fmean(times)
    deviation_s = math.sqrt(fmean((time - mean_s) ** 2 for time in times))
    return Rung(clients, count / took_s if took_s > 0 else 0.0, mean_s, count, deviation_s)


def following(rungs: Sequence[Rung]) -> int | None:
    """Return how many clients to try next, or None at the end of the ladder.

    It ends two rungs after X has stopped to grow, because a disturbance looks the same for one.
    """
    if not rungs:
        return 1
    last = rungs[-1]
    void = not any(step.lawful for step in rungs[-2:])
    if void or 2 * last.clients > MOST or 2 * last.response_s > PATIENCE_S:
        return None
    return None if _flat(rungs) else 2 * last.clients


def _flat(rungs: Sequence[Rung]) -> bool:
    before = max((step.rate for step in rungs[:-2]), default=math.inf)
    return len(rungs) > 2 and max(step.rate for step in rungs[-2:]) < GROWS * before


def _stays(rungs: Sequence[Rung]) -> bool:
    return len(rungs) > 1 and rungs[-1].rate < STAYS * rungs[-2].rate


def admitted(rungs: Sequence[Rung], cores: float, servers: int = 1) -> Admitted | None:
    """Conclude what it lets in at a time; None if no rung obeys Little's law."""
    lawful = [step for step in rungs if step.lawful]
    if not lawful:
        return None
    top = max(lawful, key=lambda step: step.rate)
    beyond = [step for step in lawful if step.rate >= ALIKE * top.rate]
    rate = fmean(step.rate for step in beyond)
    below = _below(lawful, rate)
    service_s, error_s = _alone(below)
    # More came than it lets in, and a further client added nothing.
    waited = lawful[-1].response_s > service_s / BELOW and _stays(lawful)
    if not waited:
        rate, beyond = top.rate, [top]
    used = [step.server_cores for step in beyond if step.server_cores is not None]
    known = Admitted(
        rate=rate,
        clients=lawful[-1].clients,
        servers=servers,
        service_s=service_s,
        service_low_s=service_s - error_s,
        service_high_s=service_s + error_s,
        server_cores=fmean(used) if used else None,
        beside_s=max((step.beside_s for step in beyond if step.beside_s is not None), default=None),
    )
    busy = _busy(beyond, cores, servers)
    if busy or not waited:
        return replace(known, busy=busy)
    inside = rate * service_s
    rungs_error = 2 * USUAL * math.sqrt(1 / len(below) + 1 / len(beyond))
    error = error_s / service_s + rungs_error
    slots = max(round(inside), 1)
    held_s = slots / rate  # what follows from so many, and such a rate
    return replace(
        known,
        slots=slots,
        slots_low=inside * (1 - error),
        slots_high=inside * (1 + error),
        service_s=held_s,
        service_low_s=min(known.service_low_s, held_s),
        service_high_s=max(known.service_high_s, held_s),
    )


def _below(rungs: Sequence[Rung], rate: float) -> list[Rung]:
    """List the rungs on which no request waits for another: what is let in is not known yet."""
    chosen = [rungs[0]]
    for _ in range(3):
        inside = rate * _alone(chosen)[0]
        chosen = [step for step in rungs if step.clients <= BELOW * inside] or [rungs[0]]
    return chosen


def _alone(rungs: Sequence[Rung]) -> tuple[float, float]:
    """Return how long a request takes that waits for no other, and the error of that.

    It is the mean on all these rungs. Where the times hardly vary, it is the mean of the highest
    rung among those near the least one: what else runs on the machine makes requests slower, and
    never faster, but with many at a time the service itself needs a little longer for each.
    """
    count = sum(step.answers for step in rungs)
    mean_s = sum(step.answers * step.response_s for step in rungs) / count
    least = min(rungs, key=lambda step: step.response_s)
    if least.deviation_s <= STEADY * least.response_s:
        near = [step for step in rungs if step.response_s <= NEAR * least.response_s]
        chosen = max(near, key=lambda step: step.clients)
        return chosen.response_s, max(chosen.error_s, abs(mean_s - chosen.response_s))
    squares = sum(
        step.answers * (step.deviation_s**2 + (step.response_s - mean_s) ** 2) for step in rungs
    )
    return mean_s, 2 * math.sqrt(squares) / count


def _busy(rungs: Sequence[Rung], cores: float, servers: int) -> str:
    """Name what computed all the time."""
    generator = fmean(step.generator_cores for step in rungs)
    used = [step.server_cores for step in rungs if step.server_cores is not None]
    threads = [step.thread_busy for step in rungs if step.thread_busy is not None]
    server = fmean(used) if used else 0.0
    if server + generator >= FULL * cores and server >= generator and servers >= cores:
        return "cores"
    if server >= ONE_CORE * servers or (threads and fmean(threads) >= ONE_CORE):
        return "process"
    if server + generator >= FULL * cores and server >= generator:
        return "cores"
    return "generator" if generator >= ONE_CORE else ""
