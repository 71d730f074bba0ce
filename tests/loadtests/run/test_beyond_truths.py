"""Figures of loads beyond the peak agree with services whose behaviour is known."""

from collections.abc import Callable, Iterable
from itertools import accumulate
from random import Random

import pytest

from loadtests.errors import Unmeasured
from loadtests.load.answer import Answer, Outcome
from loadtests.load.schedule import Phase
from loadtests.run.beyond.bystanders import starved
from loadtests.run.beyond.drift import drift
from loadtests.run.beyond.faults import noticed
from loadtests.run.beyond.goodput import longest_gap_s, recovery_s
from loadtests.run.beyond.overload import overloaded
from loadtests.run.beyond.soak import medians
from loadtests.run.beyond.spike import kept_by_phase
from loadtests.run.beyond.surge import OUTCOMES, outcome, queue_within
from loadtests.slo import Slo
from loadtests.trial.phased import PhasedResult
from tests.support.virtual_service import Service

SLO = Slo.parse("p99<250ms")


def answer(at: float, took: float = 0.01, outcome: Outcome = "ok", status: int = 200) -> Answer:
    return Answer(at, at, at + took, outcome, status)


def even(rate: float, begin: float, end: float, took: float = 0.01) -> list[Answer]:
    count = round(rate * (end - begin))
    return [answer(begin + (number + 0.5) / rate, took) for number in range(count)]


def loaded(work: Iterable[Answer], *phases: tuple[float, float], zero: float = 0.0) -> PhasedResult:
    length = sum(duration for _, duration in phases)
    calm = tuple(even(60, 0, length))
    return PhasedResult(tuple(Phase(*phase) for phase in phases), tuple(work), calm, 0.1, zero=zero)


def queueing(queue: float, *phases: tuple[float, float]) -> PhasedResult:
    """A virtual service for 100 requests a second, whose queue is bounded or not."""
    begins = accumulate((duration for _, duration in phases), initial=0.0)
    times = [
        item.intended_s for begin, (rate, took) in zip(begins, phases, strict=False)
        for item in even(rate, begin, begin + took)
    ]  # fmt: skip
    ends = Service("one", 1, 0.01, queue=queue).respond(times, Random(1))
    return loaded(
        [
            Answer(at, at, at, "refused", 503) if end is None else Answer(at, at, end, "ok", 200)
            for at, end in zip(times, ends, strict=True)
        ],
        *phases,
    )


SUSTAINED = queueing(20, (100, 10))


def test_overload_is_not_compared_with_a_machine_that_became_slower() -> None:
    slowed = loaded(even(90, 0, 10, took=1.0), (90, 10))
    with pytest.raises(Unmeasured, match=r"capacity of 90/s, only 0/s were answered in time"):
        overloaded(slowed, queueing(20, (200, 10)), SLO)


def test_a_short_queue_keeps_the_goodput_and_an_endless_one_loses_it() -> None:
    short = overloaded(SUSTAINED, queueing(20, (200, 10)), SLO)
    assert short["goodput"] == pytest.approx(100, abs=3)
    assert short["goodput_before"] == pytest.approx(100, abs=3)
    assert short["shares"]["refused"] == pytest.approx(0.5, abs=0.03)
    assert (short["shares"]["late"], short["bystander_lost"]) == (0, 0)
    assert short["bystander_p99_ms"] == pytest.approx(10)
    endless = overloaded(SUSTAINED, queueing(1e9, (200, 10)), SLO)
    assert endless["goodput"] == pytest.approx(5, abs=1)  # only what came in its first 0.5 s
    assert endless["shares"]["late"] == pytest.approx(0.975, abs=0.01)


SURGE = ((50, 2), (250, 4), (50, 8))  # of a service for 100 requests a second


def test_the_outcomes_of_a_surge_are_counted_in_windows() -> None:
    short, endless = (outcome(queueing(queue, *SURGE), SLO) for queue in (20, 1e9))
    assert all(len(windows) == 28 for windows in short["series"].values())
    assert short["series"]["good"][:4] == [25, 25, 25, 25]
    assert short["series"]["good"][5:12] == pytest.approx([50] * 7, abs=1)
    assert short["series"]["refused"][5:12] == pytest.approx([75] * 7, abs=1)
    assert short["series"]["good"][12:] == [25] * 16
    assert short["recovery_s"] == 0
    assert short["p99_ms"][1] == pytest.approx(210, abs=1), "its place in the queue"
    assert sum(map(sum, endless["series"].values())) == 1500
    assert endless["series"]["late"][12:] == [25] * 16, "a backlog of 6 s shrinks by half a second"
    assert endless["recovery_s"] is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("refused", "refused"), ("expired", "refused"), ("unfinished", "gave_up")),
        *((kind, "failed") for kind in ("failed", "wrong", "unsent")),
    ],
)
def test_what_is_neither_slow_nor_refused_has_failed(kind: Outcome, name: str) -> None:
    work = [item._replace(outcome=kind) for item in even(50, 0, 14)]
    series = outcome(loaded(work, *SURGE), SLO)["series"]
    assert {name: sum(series[name]) for name in OUTCOMES} == {
        **dict.fromkeys(OUTCOMES, 0),
        name: 700,
    }


def test_a_queue_holds_what_is_completed_within_the_target() -> None:
    assert (queue_within(98, 0.2), queue_within(2, 0.2)) == (19, 1)


def test_recovery_from_a_spike_takes_as_long_as_its_backlog() -> None:
    phases = ((50, 2), (300, 2), (50, 12))
    endless, short = queueing(1e9, *phases), queueing(20, *phases)
    # 400 are left, and 50 more per second leave than arrive: 8 s, less those within the bound
    assert recovery_s(endless.work, 4, 16, SLO) == pytest.approx(7.5, abs=0.1)
    assert recovery_s(endless.work, 4, 11, SLO) is None
    assert recovery_s(short.work, 4, 16, SLO) == 0
    # The twenty that wait when the spike ends are answered in time as well.
    assert kept_by_phase(short, 100, SLO) == pytest.approx([1, 1.1, 1], abs=0.01)
    assert kept_by_phase(endless, 100, SLO)[1] == pytest.approx(0.1875, abs=0.01)  # 0.125 s of it


def test_the_longest_gap_is_between_right_answers_in_time() -> None:
    steady = [answer(at / 10, took=0) for at in range(100)]
    holed = [item for item in steady if not 3 < item.intended_s < 4.5]
    assert longest_gap_s(steady, 0, 9.9, SLO) == pytest.approx(0.1)
    assert longest_gap_s(holed, 0, 9.9, SLO) == pytest.approx(1.5)
    assert longest_gap_s(holed, 4.5, 9.9, SLO) == pytest.approx(0.1)
    assert longest_gap_s(holed, 3.5, 9.9, SLO) == pytest.approx(1.0)
    assert longest_gap_s([], 0, 9.9, SLO) is None


def test_clients_notice_killed_workers() -> None:
    before = loaded(even(100, 0, 2), (100, 2))
    broken: list[tuple[Outcome, int | None]] = [("failed", 500), ("refused", 503), ("failed", None)]
    hit = [
        Answer(item.intended_s, item.sent_s, item.ended_s, *broken[number % 3])
        if 100 <= number < 130
        else item
        for number, item in enumerate(even(100, 0, 2))
    ]
    figures = noticed(before, loaded(hit, (100, 2), zero=50), [51.0, 51.2], SLO)
    assert figures["kills"] == 2
    assert figures["statuses"] == {"200": 170, "500": 10, "503": 10, "none": 10}
    assert figures["kept"] == pytest.approx(0.85)
    assert figures["longest_gap_s"] == pytest.approx(0.315, abs=0.01)
    assert figures["undisturbed_gap_s"] < 0.02
    with pytest.raises(Unmeasured, match="no goodput before"):
        noticed(loaded([], (100, 2)), before, [1.0], SLO)


def test_a_starved_stream_is_slow_or_lost() -> None:
    beside = {"inline": tuple(even(30, 0, 10, took=2)), "async": (answer(1, outcome="refused"),)}
    figures = starved(PhasedResult((Phase(1, 10),), (), tuple(even(60, 0, 10)), 0.1, beside), SLO)
    assert figures["/health"] == {"p99_ms": pytest.approx(10), "lost": 0}
    assert figures["inline"] == {"p99_ms": pytest.approx(2000), "lost": 1}
    assert figures["async"] == {"p99_ms": None, "lost": 1}


def noise(alike: float, rng: Random, count: int = 120) -> list[float]:
    """Each value resembles the one before, which is harder to distinguish from drift."""
    return list(accumulate((rng.gauss(0, 1) for _ in range(count)), lambda x, new: alike * x + new))


def share_drifting(series: Callable[[Random], list[float]], times: int = 200) -> float:
    rng, hits = Random(1), 0
    for _ in range(times):
        line = drift([(float(at), value) for at, value in enumerate(series(rng))], 120)
        assert line is not None
        hits += line.distinguishable
    return hits / times


@pytest.mark.parametrize(("alike", "most"), [(0, 0.08), (0.5, 0.08), (0.9, 0.1), (1, 0.15)])
def test_noise_is_seldom_reported_as_drift(alike: float, most: float) -> None:
    assert share_drifting(lambda rng: noise(alike, rng)) <= most


def test_a_leak_is_found_with_its_slope() -> None:
    leak = [(float(at), 100 + at / 60 + Random(at).gauss(0, 0.1)) for at in range(120)]
    line = drift(leak, 120)
    assert line is not None
    assert line.distinguishable
    assert line.per_minute == pytest.approx(1, abs=0.1)
    low, high = line.interval
    assert low is not None
    assert high is not None
    assert low < 1 < high
    assert [line.first, line.last] == pytest.approx([100.2, 102], abs=0.1)
    grows = share_drifting(lambda rng: [v + 0.1 * at for at, v in enumerate(noise(0.5, rng))])
    assert grows > 0.9


def test_constant_values_do_not_drift_and_the_warm_up_does_not_count() -> None:
    still = drift([(float(at), 12.0) for at in range(120)], 120)
    assert still is not None
    assert (still.per_minute, still.interval, still.distinguishable) == (0, (0, 0), False)
    warm = drift([(float(at), 12.0 if at >= 12 else float(at)) for at in range(120)], 120)
    assert warm is not None
    assert not warm.distinguishable
    assert drift([(1.0, 5.0), (2.0, 6.0)], 120) is None


def test_medians_are_taken_of_each_window_with_an_answer() -> None:
    work = [answer(0.1, 0.1), answer(0.2, 0.3), answer(0.3, 0.2), answer(2.5, 0.4)]
    lost = [answer(1.5, outcome="refused")]
    assert dict(medians([*work, *lost], 3, windows=3)) == pytest.approx({0.5: 200, 2.5: 400})
