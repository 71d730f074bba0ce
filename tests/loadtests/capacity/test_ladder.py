"""The ladder finds what simulated services let in at a time, and nothing where nothing does."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import pytest

from loadtests.capacity.ladder import Rung, admitted, following, rung
from loadtests.trial.admitted import Admitted

SETTLE_S, WINDOW_S = 0.2, 0.6
CORES = 2.0
Draw = Callable[[Random], float]


def constant(seconds: float) -> Draw:
    return lambda _: seconds


def exponential(seconds: float) -> Draw:
    return lambda rng: rng.expovariate(1 / seconds)


@dataclass(frozen=True, slots=True)
class Closed:
    """`servers` at a time, each for `service`; a request computes for `cpu_s` of it, on one core.

    `blocks`: what comes beside waits for all that is under way.
    """

    servers: float
    service: Draw
    cpu_s: float = 0.0
    outside_s: float = 0.0
    blocks: bool = False
    noise: float = 0.0

    def climbed(self, seed: int = 1) -> list[Rung]:
        rungs: list[Rung] = []
        rng = Random(seed)
        while clients := following(rungs):
            step = self._rung(clients, rng, rungs[-1].response_s if rungs else 0.0)
            assert step is not None
            rungs.append(step)
        return rungs

    def _rung(self, clients: int, rng: Random, before_s: float) -> Rung | None:
        settle_s, window_s = max(SETTLE_S, 2.5 * before_s), max(WINDOW_S, 4 * before_s)
        slower = 1 + self.noise * rng.random()
        free = [0.0] * int(min(self.servers, clients))
        answers: list[tuple[float, float]] = []
        waiting = [rng.random() * 0.05 for _ in range(clients)]  # when each sends its next request
        heapq.heapify(waiting)
        core_free_s = 0.0
        while (sent := heapq.heappop(waiting)) < settle_s + window_s:
            begun = max(sent + self.outside_s, free[0])
            core_free_s = max(core_free_s, begun) + self.cpu_s * slower
            end = max(begun + self.service(rng) * slower, core_free_s)
            heapq.heapreplace(free, end)
            answers.append((end, end - sent))
            heapq.heappush(waiting, end)
        step = rung(clients, sorted(answers), settle_s, settle_s + window_s)
        if step is None:
            return None
        beside_s = step.response_s if self.blocks else 0.002
        used = min(step.rate * self.cpu_s, 1.0)
        return replace(step, server_cores=used, generator_cores=0.1, beside_s=beside_s)


def concluded(service: Closed, seed: int = 1, servers: int = 1) -> Admitted:
    known = admitted(service.climbed(seed), CORES, servers)
    assert known is not None
    return known


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("slots", "service_s", "draw"),
    [
        (40, 0.1, constant),
        (5, 0.05, constant),
        (1, 0.1, constant),
        (4, 0.1, constant),
        (15, 0.02, exponential),
        (100, 0.05, exponential),
    ],
)
def test_a_limit_is_concluded(
    slots: int, service_s: float, draw: Callable[..., Draw], seed: int
) -> None:
    known = concluded(Closed(slots, draw(service_s), outside_s=0.001), seed)
    assert known.slots is not None
    assert known.slots_low <= slots + 0.5
    assert known.slots_high >= slots - 0.5
    if draw is constant:
        assert known.slots == slots
        assert known.service_s == pytest.approx(service_s, rel=0.06)
    assert known.service_low_s <= known.service_s <= known.service_high_s
    assert known.slots / known.service_s == pytest.approx(known.rate)


def test_noise_of_a_machine_leaves_the_truth_in_the_interval() -> None:
    inside = 0
    for seed in range(20):
        known = concluded(Closed(40, constant(0.1), cpu_s=0.0005, noise=0.1), seed)
        inside += known.slots_low <= 40.5 and known.slots_high >= 39.5
    assert inside >= 18


@pytest.mark.parametrize(
    ("service", "busy"),
    [
        (Closed(1, constant(0.005), cpu_s=0.005), "process"),
        (Closed(1000, constant(0.1), cpu_s=0.003), "process"),  # waits, and a loop that is full
        (Closed(40, constant(0.1), cpu_s=0.004), "process"),  # the limit of 40 is not reached
    ],
)
def test_what_computes_all_the_time_is_no_limit_of_admission(service: Closed, busy: str) -> None:
    known = concluded(service)
    assert known.slots is None
    assert known.busy == busy


def test_all_cores_or_the_generator() -> None:
    rungs = Closed(2, constant(0.01)).climbed()
    all_cores = [replace(step, server_cores=1.8) for step in rungs]
    known = admitted(all_cores, CORES, servers=2)
    assert known is not None
    assert (known.slots, known.busy) == (None, "cores")
    generator = [replace(step, server_cores=0.5, generator_cores=0.95) for step in rungs]
    known = admitted(generator, CORES)
    assert known is not None
    assert (known.slots, known.busy) == (None, "generator")


def test_nothing_limits_what_waits_and_hardly_computes() -> None:
    known = concluded(Closed(10_000, constant(0.1)))
    assert (known.slots, known.busy, known.clients) == (None, "", 256)
    assert known.rate == pytest.approx(2560, rel=0.05)


def test_a_blocked_loop_makes_everything_wait() -> None:
    assert concluded(Closed(1, constant(0.1), blocks=True)).blocked
    assert concluded(Closed(2, constant(0.1), blocks=True), servers=2).blocked
    assert not concluded(Closed(1, constant(0.1))).blocked  # a lock, or a pool of one
    assert not concluded(Closed(4, constant(0.1), blocks=True)).blocked  # threads
    assert not replace(concluded(Closed(1, constant(0.1), blocks=True)), polls=False).blocked


def test_rungs_that_do_not_obey_the_law_are_void_and_end_the_ladder() -> None:
    lawful = Rung(1, 10, 0.1, 6)
    refused = Rung(2, 10, 0.1, 6)  # the other client was refused all the time
    assert following([lawful, refused]) == 4  # it may have been a disturbance
    assert following([lawful, refused, refused]) is None
    assert admitted([refused], CORES) is None
    known = admitted([lawful, refused], CORES)
    assert known is not None
    assert known.slots is None


def test_a_ladder_ends() -> None:
    assert following([]) == 1
    assert following([Rung(1, 1, 1, 1)]) == 2
    assert following([Rung(1, 0.3, 3, 1)]) is None  # too slow to go on
    assert following([Rung(256, 2560, 0.1, 1500)]) is None
    disturbed = [Rung(n, rate, n / rate, 9) for n, rate in ((1, 10), (2, 20), (4, 21), (8, 80))]
    assert following(disturbed[:3]) == 8  # for one rung, a disturbance looks like a limit
    assert following(disturbed) == 16


def test_batches_are_not_cut() -> None:
    batches = [(0.1 * n + 0.0001 * k, 0.1) for n in range(1, 20) for k in range(8)]
    for begin in (0.2, 0.23, 0.27, 0.299):
        step = rung(8, batches, begin, begin + 0.6)
        assert step is not None
        assert step.lawful
    assert rung(8, batches, 5.0, 6.0) is None
