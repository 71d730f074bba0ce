"""A surge in figures with known truths: phases, seconds, recovery, and the words for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.errors import ServiceError
from loadtests.load.answer import Answer, Outcome
from loadtests.report.surge.results import sentence, sentences, warnings
from loadtests.run.beyond.goodput import recovery_s
from loadtests.run.surge.lines import OutcomeCounts, PhaseResult, PolicyResult, Surge, columns, rows
from loadtests.run.surge.measure import per_second, phase_results, waiting
from loadtests.run.surge.phases import durations, queue_within, rates
from loadtests.run.surge.request import chosen_policies
from loadtests.service.contract import Discovery
from loadtests.slo import Slo
from loadtests.trial.tally import tally
from loadtests.trial.verdict import flaws

SLO = Slo.parse("p99<250ms")
PHASES = [(10.0, 2.0), (50.0, 3.0), (10.0, 5.0)]
NAMES = ("before", "surge", "after")


def answers(start: float, end: float, rate: float, outcome: Outcome = "ok") -> list[Answer]:
    """Evenly spaced requests, each answered after 100 ms or given up."""
    count = round((end - start) * rate)
    starts = [start + (number + 0.5) / rate for number in range(count)]
    took = None if outcome == "unfinished" else 0.1
    return [Answer(at, at, None if took is None else at + took, outcome) for at in starts]


def late(work: list[Answer]) -> list[Answer]:
    return [answer._replace(ended_s=answer.intended_s + 0.3) for answer in work]


WORK = [
    *answers(0, 2, 10),
    *answers(2, 3, 50, "refused"),
    *answers(3, 4, 50, "expired"),
    *answers(4, 5, 50, "unfinished"),
    *late(answers(5, 6, 10)),
    *answers(6, 10, 10),
]


def test_each_phase_and_each_second_is_counted() -> None:
    before, surge, after = phase_results(WORK, NAMES, PHASES, SLO)
    assert before.counts == OutcomeCounts(offered=20, good=20)
    assert surge.counts == OutcomeCounts(offered=150, refused=100, gave_up=50)
    assert after.counts == OutcomeCounts(offered=50, good=40, late=10)
    assert (before.start_s, surge.start_s, after.start_s, after.end_s) == (0, 2, 5, 10)
    assert (before.goodput, surge.goodput, after.goodput) == (10, 0, 8)
    assert before.p99_ms == pytest.approx(100)
    assert surge.p99_ms is None
    assert after.p99_ms == pytest.approx(300), "late answers count if they are right"
    assert after.counts.share == 0.8
    series = per_second(WORK, 10, SLO)
    assert [second.good for second in series] == [10, 10, 0, 0, 0, 0, 10, 10, 10, 10]
    assert [second.offered for second in series] == [10, 10, 50, 50, 50, 10, 10, 10, 10, 10]
    assert rows(columns(series)) == series


@pytest.mark.parametrize("outcome", ["failed", "wrong", "unsent"])
def test_what_is_neither_slow_nor_refused_has_failed(outcome: Outcome) -> None:
    assert per_second(answers(0, 1, 5, outcome), 1, SLO) == (OutcomeCounts(offered=5, failed=5),)


def test_the_slo_holds_again_from_the_first_moment_on_after_which_it_does() -> None:
    assert recovery_s(WORK, 5, 10, SLO) == 0.9, "one late request of twenty proves nothing"
    assert recovery_s(answers(5, 10, 10), 5, 10, SLO) == 0.0
    assert recovery_s(answers(5, 10, 10, "unfinished"), 5, 10, SLO) is None
    assert recovery_s([], 5, 10, SLO) is None
    lucky = [*answers(5, 6, 10), *answers(6, 10, 10, "unfinished")]
    assert recovery_s(lucky, 5, 10, SLO) is None, "one good second is not enough"
    pause = [*answers(5, 8, 10), *late(answers(8, 10, 10))]
    assert recovery_s(pause, 5, 10, SLO) == 0.0, "a later pause does not undo it"


def test_clients_wait_until_they_are_answered_or_give_up() -> None:
    two = [Answer(0.0, 0.0, 0.4, "ok"), Answer(0.2, 0.2, None, "unfinished")]
    assert [waiting(two, at, 1.0) for at in (0.1, 0.3, 0.5, 1.1, 1.3)] == [1, 2, 1, 1, 0]
    assert waiting([Answer(0.0, None, None, "unsent")], 0.1, 1.0) == 0


def test_a_generator_that_is_late_or_sends_too_little_is_reported() -> None:
    on_time = answers(0, 10, 100)
    assert list(flaws(tally(on_time, SLO, 10), None, 0.2, SLO, loose=True)) == []
    dragging = [answer._replace(sent_s=answer.intended_s + 0.03) for answer in on_time]
    [lag] = flaws(tally(dragging, SLO, 10), None, 0.2, SLO, loose=True)
    assert "30.0 ms behind schedule at p99; at most 25 ms" in lag
    missing = [Answer(answer.intended_s, None, None, "unsent") for answer in on_time[:2]]
    few = tally([*missing, *on_time[2:]], SLO, 10)
    assert list(flaws(few, None, 0.9, SLO, loose=True)) == [
        "Only 998 of 1000 scheduled work requests were sent; at least 99.9% must be.",
        "The load generator used 90% of a core; from 80% on, it is itself the limit.",
    ]


def test_the_load_follows_from_the_capacity() -> None:
    assert rates(100) == (50, 250, 50)
    assert (queue_within(98, 0.2), queue_within(2, 0.2)) == (19, 1)
    assert durations("5s, 8000ms,1m") == (5, 8, 60)


@pytest.mark.parametrize(
    "text", ["", "5s", "5s,8s", "5s,8s,15", "5s,8s,0s", "1s,1s,1s,1s", "1s,1s,11m", "1s,500ms,1s"]
)
def test_other_phases_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid (phases|duration)"):
        durations(text)


def test_the_policies_are_those_of_the_server() -> None:
    options = {"admission": {"choices": ["unbounded", "bounded", "new"]}}
    discovery = Discovery({}, {}, {}, options)
    assert chosen_policies(("all",), discovery) == ("unbounded", "bounded", "new")
    assert chosen_policies(("new", "bounded"), discovery) == ("new", "bounded")
    for wrong, hint in (("fifo", "expected unbounded, bounded, new"), ("bonded", "did you mean")):
        with pytest.raises(ServiceError, match=f"unknown admission policy '{wrong}'. {hint}"):
            chosen_policies((wrong,), discovery)


def phase(start: float, length: float, rate: float, **counts: int) -> PhaseResult:
    return PhaseResult(
        NAMES[0], start, length, rate, OutcomeCounts(round(rate * length), **counts), None
    )


FINE = phase(0, 5, 50, good=250)
SWAMPED = phase(5, 8, 250, gave_up=2000)
SHED = phase(5, 8, 250, good=768, refused=1232)
LOST = phase(13, 15, 50, gave_up=750)
WELL = phase(13, 15, 50, good=750)
COLLAPSED = PolicyResult("unbounded", (FINE, SWAMPED, LOST), held=1574, waited_for=50)
BOUNDED = PolicyResult("bounded", (FINE, SHED, WELL), recovery_s=0.1, held=1, waited_for=1)


def test_a_collapse_is_reported_with_its_reason() -> None:
    assert sentence(COLLAPSED, 100, SLO) == (
        "unbounded: during the surge, no request was answered in time, while 100 % of the clients "
        "gave up waiting; in the 15 s after it, no request was answered in time, although the "
        "load was only 50 % of the capacity: the server was still working on abandoned "
        "requests (at the end it held 1574, and 50 clients waited)."
    )


def test_the_words_follow_from_the_figures_and_not_from_the_name() -> None:
    assert sentence(replace(BOUNDED, policy="unbounded"), 100, SLO) == (
        "unbounded: during the surge, 96 req/s were answered in time, 96 % of the capacity, "
        "while 62 % of the clients were refused; after it, the SLO was met again at once."
    )
    slow = replace(COLLAPSED, phases=(FINE, SWAMPED, WELL), recovery_s=3.4)
    assert sentence(slow, 100, SLO).endswith("; after it, the SLO was met again 3.4 s later.")
    idle = replace(COLLAPSED, held=50)
    assert sentence(idle, 100, SLO).endswith("although the load was only 50 % of the capacity.")
    some = replace(idle, phases=(FINE, SWAMPED, replace(LOST, counts=OutcomeCounts(750, good=300))))
    assert "in the 15 s after it, only 40 % of the requests were answered in time" in sentence(
        some, 100, SLO
    )
    weak = replace(BOUNDED, phases=(replace(FINE, counts=OutcomeCounts(250, good=200)), SHED, WELL))
    assert sentence(weak, 100, SLO).endswith(
        " p99<250ms was not met even before the surge: 80 % of the requests were answered in time."
    )
    broken = PolicyResult("lifo", error="the server did not start.")
    assert sentence(broken, 100, SLO) == "lifo has no result: the server did not start."


def test_the_warnings_say_what_weakens_the_figures() -> None:
    quiet = {"load_average": [0.1], "cores": 2}
    run = Surge(
        started="", environment=quiet, command="", workload="primes", model="inline",
        policies=("bounded",), slo=SLO, durations=(5, 8, 15), capacity=100, results=(BOUNDED,),
    )  # fmt: skip
    assert warnings(run) == ()
    assert run.trusted
    assert len(sentences(run)) == 1
    [few] = warnings(replace(run, slo=SLO.at(99.9)))
    assert few.startswith("p99.9 needs 2,995 requests, but 750 were offered after the surge")
    assert warnings(replace(run, slo=SLO.at(99.9), results=(COLLAPSED,))) == (), "it claims nothing"
    [low] = warnings(replace(run, capacity=70))
    assert low.startswith("The capacity was underestimated: bounded answered 137 % of it")
    [flaw] = warnings(replace(run, results=(replace(BOUNDED, flaws=("It was late.",)),)))
    assert flaw == "bounded: It was late."
    [busy] = warnings(replace(run, environment={"load_average": [2.5], "cores": 2}))
    assert "load average 2.5 on 2 cores" in busy
    assert sentences(replace(run, capacity=None)) == ()
