"""The simulated queue has the capacity that queueing theory and another simulation give it."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.capacity.queueing import STEPS, Queue
from loadtests.slo import Slo

# Highest utilisation of M/D/c that keeps p99 within k times the service time.
UTILISATION = {
    1: {3: 0.32, 5: 0.57, 10: 0.78, 20: 0.90},
    2: {3: 0.58, 5: 0.76, 10: 0.89, 20: 0.95},
    4: {3: 0.77, 5: 0.88, 10: 0.94, 20: 0.98},
    8: {3: 0.89, 5: 0.94, 10: 0.98, 20: 1.00},
}

# Servers, service time and the rate at which p99 is 250 ms, exactly: by the stationary distribution
# of the number in the system one service time later (Crommelin 1932).
SLO = Slo.parse("p99<250ms")
EXACT = [
    (1, 0.010, 90.84),
    (2, 0.010, 190.66),
    (32, 0.020, 1590.09),
    (1, 0.020, 40.90),
    (8, 0.020, 390.21),
    (3, 0.002, 1490.75),
]
EXPONENTIAL = tuple(
    -0.01 * math.log(1 - (step + 0.5) / 2000) for step in range(2000)
)  # 10 ms on average


def capacity(
    servers: int, sample: Sequence[float], bound_s: float, loss_ratio: float, **how: int
) -> float:
    queue = Queue(servers, bound_s, tuple(sample))
    return queue.sustained(queue.mean, loss_ratio, **how)


def tail(servers: int, rate: float, mu: float, bound_s: float) -> float:
    """P(response > bound) of M/M/c, by Erlang C."""
    offered = rate / mu
    terms = [offered**k / math.factorial(k) for k in range(servers + 1)]
    waiting = terms[-1] * servers / (servers - offered)
    waits = waiting / (sum(terms[:-1]) + waiting)
    left = servers * mu - rate
    alone = math.exp(-mu * bound_s)
    if math.isclose(left, mu):
        return alone * (1 + waits * mu * bound_s)
    both = (left * alone - mu * math.exp(-left * bound_s)) / (left - mu)
    return (1 - waits) * alone + waits * both


def erlang_capacity(servers: int, mu: float, bound_s: float) -> float:
    low, high = 0.0, servers * mu * (1 - 1e-9)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(servers, middle, mu, bound_s) <= 0.01 else (low, middle)
    return low


@pytest.mark.parametrize("servers", UTILISATION)
def test_equal_service_times_reach_the_known_utilisation(servers: int) -> None:
    for times, known in UTILISATION[servers].items():
        share = capacity(servers, [0.01], times * 0.01, 0.01) / (servers / 0.01)
        assert share == pytest.approx(known, abs=0.02)


@pytest.mark.parametrize(("servers", "bound_s"), [(1, 0.1), (1, 0.2), (2, 0.2), (4, 0.1), (4, 0.5)])
def test_random_service_times_agree_with_erlang(servers: int, bound_s: float) -> None:
    expected = erlang_capacity(servers, 100, bound_s)
    assert capacity(servers, EXPONENTIAL, bound_s, 0.01) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize(("servers", "service_s", "exact"), EXACT)
def test_it_finds_the_exact_capacity_of_equal_service_times(
    servers: int, service_s: float, exact: float
) -> None:
    simulated = capacity(servers, [service_s], SLO.bound_s, SLO.loss_ratio)
    assert simulated == pytest.approx(exact, rel=0.02)


def test_unequal_service_times_lower_capacity() -> None:
    assert capacity(2, [0.002, 0.018], 0.1, 0.01) < 0.97 * capacity(2, [0.010], 0.1, 0.01)


def test_a_service_beyond_the_bound_has_no_capacity() -> None:
    assert capacity(4, [0.3], 0.25, 0.01) == 0
    assert capacity(4, [0.01] * 95 + [0.3] * 5, 0.25, 0.01) == 0
    assert capacity(4, [0.01] * 999 + [0.3], 0.25, 0.01) > 0
    assert capacity(4, [0.01], -0.1, 0.01) == 0


@pytest.mark.parametrize(
    ("service_s", "hopeless"), [(0.24, False), (0.2485, False), (0.2505, True), (0.3, True)]
)
def test_a_service_just_within_the_bound_may_have_a_capacity(
    service_s: float, hopeless: bool
) -> None:
    queue = Queue(16, 0.25)
    between, _ = queue.between(service_s, 0.01)
    assert between == pytest.approx(queue.sustained(service_s, 0.01), rel=0.01)
    assert (between == 0) is queue.hopeless(service_s, 0.01) is hopeless


def test_a_queue_that_refuses_does_not_begin_what_would_be_late() -> None:
    burst, times = [0.0] * 5, [1.0] * 5
    refusing = Queue(1, 2.5, refuses=True)
    assert refusing.late(burst, times, 1.0, 9) == 3
    assert refusing.late([*burst, 2.1], [*times, 1.0], 1.0, 9) == 3
    assert Queue(1, 2.5).late([*burst, 2.1], [*times, 1.0], 1.0, 9) == 4
    assert refusing.late([-1.0, *burst], [1.0, *times], 1.0, 9) == 3
    assert refusing.late(burst, times, 1.0, 1) == 2, "it ends early"


def test_refusing_late_requests_raises_the_capacity() -> None:
    usual, refusing = (
        Queue(1, 0.25, EXPONENTIAL, refuses).sustained(0.02, 0.01, arrivals=5_000)
        for refuses in (False, True)
    )
    assert usual * 1.02 < refusing < 50


def test_work_without_a_duration_has_no_limit() -> None:
    assert capacity(1, [0.0], 0.25, 0.01) == math.inf


@pytest.mark.parametrize(
    ("servers", "sample", "loss_ratio", "message"),
    [
        (0, [0.01], 0.01, "at least one server"),
        (1, [], 0.01, "a sample of service times, got 1 servers and 0 times"),
        (1, [0.01], 1.0, "a loss ratio lies between 0 and 1, not at 1.0"),
    ],
)
def test_wrong_arguments_are_rejected(
    servers: int, sample: list[float], loss_ratio: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        capacity(servers, sample, 0.25, loss_ratio)


def test_a_seed_repeats_it() -> None:
    first = capacity(16, [0.01, 0.03], 0.25, 0.01, seed=3)
    assert capacity(16, [0.01, 0.03], 0.25, 0.01, seed=3) == first
    assert capacity(16, [0.01, 0.03], 0.25, 0.01, seed=4) == pytest.approx(first, rel=0.03)


@settings(max_examples=25)
@given(
    servers=st.integers(1, 8),
    sample=st.lists(st.floats(0.001, 0.05), min_size=1, max_size=20),
    bound_s=st.floats(0.02, 0.5) | st.none(),
)
def test_one_more_server_or_a_looser_bound_never_lowers_capacity(
    servers: int, sample: list[float], bound_s: float | None
) -> None:
    """All these queues meet the same requests, so that none of them waits longer than before.

    Each capacity is rounded down to a step of its search, which is longer for more servers. The
    bound may be a service time: such requests are in time exactly if they need not wait.
    """
    bound_s = bound_s or max(sample)
    base = capacity(servers, sample, bound_s, 0.01, arrivals=2000)
    ceiling = servers / max(math.fsum(sample) / len(sample), 1e-9)
    assert 0 <= base <= 1.1 * ceiling  # 2,000 arrivals may be a little quicker than the sample
    assert capacity(servers, sample, 1.5 * bound_s, 0.01, arrivals=2000) >= base
    step = 1.1 * (ceiling / servers) * (servers + 1) / 2**STEPS
    assert capacity(servers + 1, sample, bound_s, 0.01, arrivals=2000) >= base - step


def test_a_bound_of_one_service_time_leaves_no_time_to_wait() -> None:
    """Whether a request waited decides, and not the rounding of its end."""
    waits = capacity(3, [0.03125], 0.03125, 0.01)
    assert capacity(3, [0.03], 0.03, 0.01) * 0.03 == pytest.approx(waits * 0.03125, rel=0.001)
