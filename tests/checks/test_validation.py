"""The logic of scripts/validate, and its oracle: a real service that answers at known times."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from time import monotonic

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.cause.rules import RULES
from loadtests.load.arrivals import poisson
from loadtests.load.http import ConnectionPool
from loadtests.service.contract import discover, path_of
from loadtests.service.process import ServerProcess
from loadtests.slo import Slo
from loadtests.trial.tally import percentile_ms
from scripts.checks.shared.oracle import MODELS, OracleQueue, running
from scripts.checks.validate.__main__ import CASES, main, parser
from scripts.checks.validate.against_formula import crossing, served_within, utilisation
from scripts.checks.validate.case import Case, Finding, listed, rising, table, within
from scripts.checks.validate.guests import GUESTS, against_truth
from scripts.checks.validate.known_causes import HELD, Outcome, confusion
from scripts.checks.validate.littles_law import KNOWN, LOADS, ROUNDS, SLACK, TRIAL_S
from scripts.checks.validate.littles_law import SERVICE_S as QUEUED_S
from scripts.checks.validate.load import Unanswered, bracketed
from scripts.checks.validate.plants import HELD_OUT, PLANTS, UNSEEN
from scripts.checks.validate.same_row_twice import compared, judged
from tests.support.virtual_service import Service

SERVICE_S = 0.02
LATE_S = 5.0  # longer than any pause of the machine


@pytest.mark.parametrize(("value", "holds"), [(0.7, True), (1.05, True), (0.69, False), (2, False)])
def test_bounds_are_included(value: float, holds: bool) -> None:
    assert within("threads", [value], 0.7, 1.05).holds is holds


def test_a_median_is_compared_with_its_bounds_and_shown_with_its_range() -> None:
    finding = within("threads", [0.5, 0.9, 4.0], 0.7, 1.05)
    assert finding == Finding("threads 0.9 × (0.5–4)", True, "0.7–1.05 ×")
    assert within("sha256", [1.5], 1.7).wanted == "≥ 1.7 ×"


def test_an_order_holds_or_does_not() -> None:
    assert rising({"a": 1, "b": 2, "c": 3}) == Finding("a < b < c", True, "that order")
    assert rising({"a": 2, "b": 1}) == Finding("not a < b", False, "that order")
    assert rising({"a": 2, "b": 1.7}, slack=0.2).holds
    assert not rising({"a": 2, "b": 1.5}, slack=0.2).holds


def test_drift_cancels_out_of_a_bracketed_ratio() -> None:
    drifting = iter([100.0, 2 * 110, 120, 2 * 130, 140])
    assert bracketed(lambda: next(drifting), lambda: next(drifting), 2) == [2, 2]


def test_a_case_agrees_if_all_its_findings_do_and_lists_those_that_do_not() -> None:
    good, bad = within("one", [1], 0.5), within("two", [1], 2, 3)
    assert Case.of("1", "claim", [good]) == Case("1", "claim", "one 1 ×", True)
    case = Case.of("1", "claim", [good, bad], "note").but("others were busy")
    assert (case.measured, case.agrees) == ("one 1 ×; two 1 ×", False)
    assert case.why == "two 1 ×, wanted 2–3 ×; note; others were busy"


def test_the_table_has_a_row_for_each_case() -> None:
    cases = [Case("1", "a | b", "c", True), Case("2", "d", "e", False, "f")]
    assert list(table(cases))[2:] == ["| 1 | a / b | c | ✓ |", "| 2 | d | e | ✗ f |"]
    assert listed({"thread": 64.25, "fork": 2150.0}, "µs").shown == "thread 64.2, fork 2,150 µs"


def test_the_confusion_table_counts_loads_that_broke() -> None:
    outcomes = [
        Outcome("pool", "pool", True),
        Outcome("pool", "GIL", False),
        Outcome("disk", "pool", True),  # another word for the same
        Outcome("disk", HELD, False),
    ]
    assert list(confusion(outcomes)) == [
        "| truth ↓, named → | GIL | disk | pool | recall |",
        "|---|---|---|---|---|",
        "| GIL |  |  |  | – |",
        "| disk |  |  | 1 | 100 % |",
        "| pool | 1 |  | 1 | 50 % |",
        "| precision | 0 % | – | 100 % | 67 % |",
    ]


def test_what_is_found_of_a_guest_is_compared_with_what_is_known() -> None:
    truth = GUESTS["blocking"].requests["/wait-blocking?ms=20"]
    cell = {
        "cause": "loop blocked",
        "state": "measured",
        "cause_evidence": {"numbers": {"slots": 1.0, "slots_low": 0.9, "slots_high": 1.1}},
        "interval": [39.0, 43.0],
        "capacity": 41.0,
        "guilty": {"code": "time.sleep(ms / 1e3)"},
    }
    good = [*against_truth(truth, cell)]
    assert all(finding.holds for finding in good)
    assert [finding.shown for finding in good] == [
        *("loop blocked", "1 at a time (0.9–1.1)", "39.0–43.0/s", "guilty: time.sleep(ms / 1e3)")
    ]
    wrong = {
        "cause": "pool",
        "cause_evidence": {"numbers": {"slots": 2.0, "slots_low": 1.8, "slots_high": 2.2}},
        "capacity": 60.0,
        "guilty": {"reason": "not sampled"},
    }
    for key, value in wrong.items():
        holds = [finding.holds for finding in against_truth(truth, {**cell, key: value})]
        assert holds.count(False) == 1, key
    nothing = {**dict.fromkeys(cell), "state": "unfinished", "error": "too busy here"}
    [finding] = against_truth(truth, nothing)
    assert (finding.shown, finding.holds) == ("unfinished: too busy here", False)


def test_the_known_capacities_of_guests_are_those_of_queues() -> None:
    low, high = GUESTS["def"].requests["/wait"].rates
    assert low < 380
    assert high > 400
    assert all("{port}" in guest.command for guest in GUESTS.values())
    words = {rule.name for rule in RULES}
    truths = [truth for guest in GUESTS.values() for truth in guest.requests.values()]
    causes = {cause for truth in truths for cause in truth.causes}
    assert causes <= words | {"at generator limit"}


def test_each_plant_has_a_name_in_a_matrix_as_its_truth() -> None:
    words = {rule.name for rule in RULES}
    plants = [*PLANTS.values(), *HELD_OUT.values()]
    assert {word for plant in plants for word in (plant.cause, *plant.also)} <= words
    assert len({*PLANTS, *HELD_OUT}) == len(plants), "each is a case of its own"


@pytest.mark.usefixtures("database")
def test_what_is_held_out_answers() -> None:
    """Once each, without measuring: it has to stay unknown how they are diagnosed."""
    unseen = [plant for plant in HELD_OUT.values() if UNSEEN in plant.options]
    models = ",".join(dict.fromkeys(plant.model for plant in unseen))
    with (
        ServerProcess(("--port", "0", "--models", models, UNSEEN)) as server,
        closing(ConnectionPool(server.url)) as connections,
    ):
        paths = [path_of(plant.workload, plant.model, plant.parameters) for plant in unseen]
        assert {path: connections.get(path).status for path in paths} == dict.fromkeys(paths, 200)


@given(st.lists(st.integers(0, 40), min_size=1).map(sorted), st.sampled_from([1, 2, 4]))
def test_the_oracle_serves_as_the_simulation_does(quarters: list[int], servers: int) -> None:
    times = [quarter / 4 for quarter in quarters]
    queue = OracleQueue(servers, 1.0)
    served = [queue.enter(time) for time in times]
    assert [end for _, end in served] == Service("M/D/c", servers, 1.0).respond(times, Random(1))
    assert served == sorted(served), "first come, first served"
    assert all(begin >= time for time, (begin, _) in zip(times, served, strict=True))
    assert all(end == begin + 1 for begin, end in served)
    for _, at in served:
        assert sum(begin < at <= end for begin, end in served) <= servers


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_formula_and_simulation_agree(load: float) -> None:
    assert served_within(load, 0) == pytest.approx(1 - load), (
        "only requests that find the server idle"
    )
    lost = Service("M/D/1", 1, 1.0).lost(load, Slo(99, 4.0))
    assert 1 - lost == pytest.approx(served_within(load, 3), abs=0.01)


def test_the_known_utilisations_are_true() -> None:
    for bound, known in KNOWN["m-d-1"].items():
        assert utilisation(bound) == pytest.approx(known, abs=0.015)
    for bound, known in KNOWN["m-d-2"].items():
        pair, slo = Service("M/D/2", 2, 1.0), Slo(99, bound)
        below, above = (pair.lost(2 * (known + off), slo, 60_000) for off in (-0.025, 0.025))
        assert below < 0.01 < above


def test_a_crossing_is_found_between_loads() -> None:
    points = [(load, 2.2 / (1 - load)) for load in (0.4, 0.5, 0.6, 0.7, 0.8)]
    assert crossing(points, 5) == pytest.approx(1 - 2.2 / 5)


@pytest.mark.parametrize("model", KNOWN)
def test_trials_of_a_queue_in_virtual_time_agree(model: str) -> None:
    """The same number, length and loads of trials as the real ones of case 8."""
    points = []
    queue = Service(model, MODELS[model], 1.0)
    for load in LOADS[model]:
        for seed in range(2 * ROUNDS):
            rate = load * MODELS[model]
            times = poisson(rate, TRIAL_S / QUEUED_S, Random(seed))
            ends = queue.respond(times, Random(seed))
            took = [end - time for time, end in zip(times, ends, strict=True) if end is not None]
            points.append((load, (percentile_ms(sorted(took), 99) or 0.0) / 1e3))
    for bound, known in KNOWN[model].items():
        assert crossing(points, bound) == pytest.approx(known, abs=SLACK)


@pytest.fixture(scope="module")
def oracle() -> Iterator[str]:
    with running(SERVICE_S) as url:
        yield url


def test_the_oracle_describes_its_cells(oracle: str) -> None:
    discovery = discover(oracle)
    assert list(discovery.models) == ["m-d-1", "m-d-2", "m-d-4"]
    assert discovery.unavailable("oracle", "m-d-1") is None
    with closing(ConnectionPool(oracle)) as connections:
        assert connections.get("/health").status == 200


@pytest.mark.parametrize("model", MODELS)
def test_answers_come_at_the_known_times_and_in_turn(oracle: str, model: str) -> None:
    """Eight at once: the n-th is answered after n / servers service times, never earlier."""
    answered: list[tuple[float, float]] = []
    servers = MODELS[model]

    def ask() -> None:
        ms = json.loads(connections.get(f"/oracle/{model}").body)["ms"]
        answered.append((monotonic() - begun, ms["queued"] / 1e3))
        assert ms["ran"] == pytest.approx(1e3 * SERVICE_S)
        assert ms["resumed"] >= 0, "never early"
        assert ms["total"] == pytest.approx(ms["queued"] + ms["ran"] + ms["resumed"], abs=0.01)

    with closing(ConnectionPool(oracle)) as connections:
        begun = monotonic()
        gevent.joinall([gevent.spawn(ask) for _ in range(8)], raise_error=True)
    took, queued = (sorted(times) for times in zip(*answered, strict=True))
    for place, (seconds, waited) in enumerate(zip(took, queued, strict=True)):
        turn = place // servers
        assert (turn + 1) * SERVICE_S <= seconds < (turn + 1) * SERVICE_S + LATE_S
        assert waited <= turn * SERVICE_S + 1e-6


def test_only_known_cases_are_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args([]).names == [str(number) for number in range(1, 13)]
    assert parser().parse_args(["3", "oracle"]).names == ["3", "oracle"]
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["orcle"])
    assert ended.value.code == 2
    assert "unknown case 'orcle'; did you mean 'oracle'?" in capsys.readouterr().err


def test_a_row_that_differs_from_itself_more_than_once_is_a_fault(tmp_path: Path) -> None:
    def ratio(*figures: float | None) -> list[Finding]:
        entry = {"workload": "primes", "row": "process-pool", "ratio": figures}
        (tmp_path / "summary.json").write_text(json.dumps({"a_a": [entry]}))
        return compared(tmp_path)

    good = [*ratio(1.02, 0.97, 1.08), *ratio(0.95, 0.9, 1.0), *ratio(1.0, 0.0, None)]
    wrong = [*ratio(1.1, 1.02, 1.18), *ratio(0.9, 0.84, 0.96)]
    assert judged([*good, wrong[0]]).agrees
    case = judged([*good, *wrong])
    assert case.why == "2 of 5 exclude 1, wanted at most 1"
    assert case.measured.startswith("2 of 5 exclude 1; primes, process-pool 1.02 (0.97–1.08); ")
    assert "process-pool 1 (0–∞)" in case.measured
    (tmp_path / "summary.json").write_text('{"a_a": []}')
    with pytest.raises(Unanswered, match="no ratio of a row to itself"):
        compared(tmp_path)


@pytest.mark.parametrize(
    ("name", "agrees", "code"), [("a-a", True, 0), ("a-a", False, 1), ("3", False, 0)]
)
def test_only_gates_decide_the_exit_code(
    name: str, agrees: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CASES, name, lambda _: Case(name, "claim", "figure", agrees))
    assert main([name]) == code
