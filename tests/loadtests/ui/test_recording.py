"""What processes see of a load adds up, whoever saw it, and to what was offered."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.ui.ledger import BYSTANDER, Ledger, Recorder, bucket, percentile
from loadtests.ui.turns import SETTLE_S, TURN_S, Turns
from loadtests.ui.vitals import Vitals

BOUND_MS = 100
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["primes/inline", "primes/async", BYSTANDER]),
        st.sampled_from(["ok", "refused", "failed", "unfinished"]),
        st.floats(0.01, 5000),
    ),
    max_size=60,
)


def through(report: dict[str, Any]) -> Any:
    return json.loads(json.dumps(report))


@given(st.lists(st.floats(0, 1e5), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_of_buckets_are_right_to_a_percent(times: list[float], share: float) -> None:
    estimate = percentile(Counter(map(bucket, times)), share)
    exact = sorted(times)[max(0, -int(-share * len(times) // 1) - 1)]
    assert estimate == pytest.approx(exact, rel=0.01, abs=0.051)
    assert percentile({}, share) is None


@given(REQUESTS, st.integers(1, 3))
def test_it_adds_up_whoever_saw_it(requests: list[tuple[str, str, float]], count: int) -> None:
    recorders = [Recorder(BOUND_MS) for _ in range(count)]
    for position, (name, outcome, took_ms) in enumerate(requests):
        recorders[position % count].take(name, outcome, took_ms, 0.1)
    ledger = Ledger()
    ledger.clear(100)
    for recorder in recorders:
        ledger.add(through(recorder.drain(101, {})))
    [second] = ledger.seconds(102)
    work = [request for request in requests if request[0] != BYSTANDER]
    right = [took_ms for _, outcome, took_ms in work if outcome == "ok"]
    assert second["offered"] == len(work)
    assert second["achieved"] == len(right)
    assert second["good"] == sum(took_ms <= BOUND_MS for took_ms in right)
    rows = {row["name"]: row for row in ledger.rows()}
    assert rows.keys() == {request[0] for request in work}
    beside = [
        took_ms for name, outcome, took_ms in requests if (name, outcome) == (BYSTANDER, "ok")
    ]
    for name, outcomes in rows.items():
        assert (outcomes["health_p99_ms"] is None) == (not beside)
        own = [request for request in requests if request[0] == name]
        assert outcomes["offered"] == len(own)
        assert sum(outcomes["failures"].values()) == sum(request[1] != "ok" for request in own)


def test_what_waits_for_an_answer_was_offered_once() -> None:
    recorder, ledger = Recorder(BOUND_MS), Ledger()
    ledger.clear(0)
    ledger.add(recorder.drain(1, {"a/b": 5}))
    recorder.take("a/b", "ok", 50, 0)
    recorder.take("a/b", "ok", 150, 0)
    ledger.add(recorder.drain(2, {"a/b": 4}))
    first, second = ledger.seconds(3)
    assert (first["offered"], first["achieved"], first["flying"]) == (5, 0, 5)
    assert (second["offered"], second["achieved"], second["good"]) == (1, 2, 1)
    assert second["flying"] == 4


def test_figures_begin_again_and_words_of_the_test_before_come_too_late() -> None:
    recorder, ledger = Recorder(BOUND_MS), Ledger()
    recorder.take("a/b", "ok", 5, 0)
    report = recorder.drain(7, {})
    ledger.clear(6)
    ledger.add(report)
    assert [row["name"] for row in ledger.rows()] == ["a/b"]
    ledger.restart(8)
    assert not ledger.rows()
    assert ledger.seconds(8)
    ledger.clear(9)
    ledger.add(report)
    assert not ledger.rows()
    assert not ledger.seconds(10)


def test_each_cell_has_the_figures_of_its_own_turns() -> None:
    turns, recorder, ledger = Turns(["a/b", "c/d"]), Recorder(BOUND_MS), Ledger()
    begun = 10 * 2 * TURN_S  # the first turn of the first cell
    ledger.clear(begun - 1, turns)
    for second in range(begun, begun + 4 * TURN_S):
        first = turns.cell(second) == "a/b"
        for _ in range(5):
            recorder.take(turns.cell(second), "ok", 10.0 if first else 200.0, 0.1)
        recorder.take(BYSTANDER, "ok", 1.0 if first else 50.0, 0.1)
        if second % TURN_S == 0:  # an answer to the turn before, which disturbs the next one
            recorder.take("a/b", "refused", 1.0, 0.1)
        ledger.add(through(recorder.drain(second, {})))
    quick, slow = ledger.rows()
    assert (quick["name"], slow["name"]) == ("a/b", "c/d")
    assert quick["seconds"] == slow["seconds"] == 2 * (TURN_S - SETTLE_S)
    assert quick["offered"] == slow["offered"] == 5
    assert (quick["good"], slow["good"]) == (1.0, 0.0)
    assert (quick["health_p99_ms"], slow["health_p99_ms"]) == (1.0, 50.0)
    assert quick["failures"] == {}
    with pytest.raises(ValueError, match="at least two cells"):
        Turns(["a/b"])


def stats(uptime_s: float, cpu_s: float, held: int) -> dict[str, Any]:
    return {
        "uptime_s": uptime_s,
        "loop_lag_ms": {"p50": 0.1, "p99": 5.0, "max": 9.0},
        "models": {"inline": {}, "thread-pool": {"busy": 3, "slots": 4, "queued": 1}},
        "processes": [{"pid": 7, "role": "server", "cpu_s": cpu_s, "rss_mib": 9, "threads": 3}],
        "gils": [{"pid": 7, "samples": round(40 * uptime_s), "held": held}],
    }


def test_shares_of_time_come_from_two_looks() -> None:
    vitals = Vitals(100)
    vitals.add(100.5, stats(10, 1.0, 0))
    assert vitals.as_json(100.5)["processes"][0]["cpu"] is None
    vitals.add(101.5, stats(12, 2.5, 60))
    vitals.weigh({7: 4.5})
    shown = vitals.as_json(101.5)
    assert shown["processes"][0]["cpu"] == pytest.approx(0.75)
    assert shown["processes"][0]["pss_mib"] == 4.5
    assert shown["gil"] == [{"pid": 7, "share": pytest.approx(0.75)}]
    [model] = shown["models"]
    assert (model["name"], model["busy"], model["refused"]) == ("thread-pool", 3, None)


def test_silence_is_told_but_not_that_nobody_looked() -> None:
    vitals = Vitals(100)
    assert vitals.as_json(101)["silent_s"] is None
    assert vitals.as_json(104)["silent_s"] == 4
    vitals.add(105, stats(10, 1, 0))
    vitals.miss(107)
    vitals.miss(109)
    assert vitals.as_json(109)["silent_s"] == 4
    assert [p99 for _, _, p99 in vitals.as_json(109)["lags"]] == [5.0, None, None]
    vitals.begun = 300
    assert vitals.as_json(301)["silent_s"] is None
    vitals.add(301, stats(2, 0.5, 0))
    assert vitals.as_json(301)["processes"][0]["cpu"] is None, "another server"
