"""A trial over real HTTP offers its schedule, counts every request, and leaves no load behind."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from random import Random

import pytest

from loadtests.load.arrivals import Kind
from loadtests.load.open_loop import Request
from loadtests.load.request import HEALTH, RequestSpec
from loadtests.load.schedule import Phase, TrialLength
from loadtests.load.source import InProcess
from loadtests.load.spec import BYSTANDER_RATE
from loadtests.slo import Slo
from loadtests.trial.cell_load import CellLoad
from loadtests.trial.tally import Tally
from loadtests.trial.trial import Trial
from loadtests.trial.verdict import judge
from tests.support.server_process import running

SLO = Slo.parse("p99<250ms")
LOOSE = SLO.parse("p99<10s")  # no pause of the machine is as long
MS = 20
LENGTH = TrialLength(0.5, 1.0)

pytestmark = pytest.mark.measures


@pytest.fixture(scope="module")
def url(database: None) -> Iterator[str]:
    with running("--models", "inline,async", "--queue", "1000", module="server") as server:
        yield server.url


Record = list[tuple[str, Request]]  # every request that a load reports, with its stream


def load_on(url: str, model: str, record: Record, slept: int = MS) -> CellLoad:
    source = InProcess(lambda *ended: record.append(ended))
    return CellLoad(url, ("sleep", model), sleep(model, slept), source)


def sleep(model: str, slept: int = MS) -> RequestSpec:
    """Accept only answers that say `slept`."""
    path = f"/sleep/{model}?ms={MS}"
    return RequestSpec(path, target=path, status=200, text=f'"slept":{slept}')


def run(load: CellLoad, rate: float, slo: Slo, kind: Kind = "poisson") -> Trial:
    with closing(load):
        return load.trial(load.spec(rate, LENGTH, slo, kind, seed=1, enough=0.1))


def punctual(trial: Trial) -> Trial:
    """Ignore a late generator: that is about this machine, not about the trial."""
    work, bystander = replace(trial.work, lagged=0), replace(trial.bystander, lagged=0)
    return replace(trial, work=work, bystander=bystander)


@pytest.mark.parametrize(("kind", "rate"), [("poisson", 50.4), ("uniform", 47.0)])
def test_a_trial_offers_the_schedule_and_no_more(url: str, kind: Kind, rate: float) -> None:
    record = Record()
    trial = run(load_on(url, "async", record), rate, LOOSE, kind)
    assert (trial.workload, trial.model, trial.rate) == ("sleep", "async", rate)
    assert (trial.settle_s, trial.duration_s) == LENGTH
    assert (trial.short, trial.drained) == (False, True)
    scheduled, by = round(rate), round(BYSTANDER_RATE)
    assert (trial.work.scheduled, trial.work.ok, trial.work.lost) == (scheduled, scheduled, 0)
    assert (trial.bystander.scheduled, trial.bystander.ok) == (by, by)
    settled = round(rate * LENGTH.settle_s), round(BYSTANDER_RATE * LENGTH.settle_s)
    assert Counter(name for name, _ in record) == {
        "sleep/async": scheduled + settled[0],
        "bystander": by + settled[1],
    }
    assert all(request.outcome == "ok" for _, request in record)
    assert trial.completed == scheduled + settled[0]
    assert trial.work.p50_ms is not None
    assert trial.work.p50_ms >= MS
    assert 0 < trial.generator_cpu < 1
    verdict = judge(punctual(trial), LOOSE)
    assert (verdict.valid, verdict.held, verdict.reasons) == (True, True, ())


def test_a_service_without_a_health_path_has_no_bystander(url: str) -> None:
    record = Record()
    request = RequestSpec("noop", target="/noop/async", status=200)
    source = InProcess(lambda *ended: record.append(ended))
    with closing(CellLoad(url, ("noop", "async"), request, source, None)) as load:
        spec = load.spec(40, TrialLength(0.1, 0.5), LOOSE, "poisson", seed=1, enough=0.1)
        trial = load.trial(spec)
        beside = {"echo": "/echo/async"}
        phases = [Phase(40, 0.2)]
        result = load.passage(phases, LOOSE, "uniform", Random(1), 5.0, beside=beside)
    assert {name for name, _ in record} == {"noop/async", "echo"}
    assert (trial.work.ok, trial.bystander) == (20, Tally())
    verdict = judge(punctual(trial), LOOSE)
    assert (verdict.valid, verdict.held, verdict.reasons) == (True, True, ())
    assert (len(result.work), result.bystander, len(result.beside["echo"])) == (8, (), 6)


def test_wrong_answers_are_losses(url: str) -> None:
    record = Record()
    trial = run(load_on(url, "async", record, slept=MS + 1), 50, SLO)
    assert trial.short
    assert trial.duration_s < 1
    assert (trial.work.ok, trial.work.wrong, trial.completed) == (0, trial.work.scheduled, 0)
    assert judge(punctual(trial), SLO).broke_by == "wrong"
    assert {request.outcome for name, request in record if name == "bystander"} == {"ok"}


def test_too_much_load_ends_early_breaks_and_leaves_the_server_idle(url: str) -> None:
    record = Record()
    trial = run(load_on(url, "inline", record), 120, SLO)  # twice its capacity
    assert trial.short
    assert trial.duration_s < 1
    assert trial.work.scheduled < 120
    lost = [tally for tally in (trial.work, trial.bystander) if tally.late]  # one is the first
    assert lost
    assert all(tally.lost > SLO.loss_ratio * tally.scheduled for tally in lost)
    verdict = judge(punctual(trial), SLO)
    assert (verdict.valid, verdict.held) == (True, False)
    assert verdict.broke_by in {"late", "bystander"}
    assert {request.outcome for _, request in record} == {"ok"}, "no request is left on the server"
    sent = sum(name != "bystander" for name, _ in record)
    assert trial.completed == sent > trial.work.ok, "answers after the early end count"


def test_a_service_that_is_gone_loses_everything() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # but does not listen
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
        trial = run(load_on(gone, "inline", Record()), 50, SLO)
    assert trial.short
    assert (trial.work.ok, trial.bystander.ok) == (0, 0)
    assert trial.work.failed == trial.work.scheduled > 0
    assert judge(punctual(trial), SLO).broke_by == "failed"


def test_saturation_measures_a_blocked_loop_and_leaves_no_load_behind(url: str) -> None:
    source = InProcess()
    try:
        assert 20 < source.saturation(url, sleep("inline"), 0.7) <= 60
        assert source.saturation(url, HEALTH, 0.3) > 60, "the loop is free again"
        assert source.saturation(url, RequestSpec("none", target="/no-such-path"), 0.1) == 0
        assert source.saturation(url, sleep("async"), 0.5) > 60
    finally:
        source.rest()
