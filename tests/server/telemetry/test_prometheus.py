"""The counters, by themselves and as Prometheus reads them."""

import shutil
import subprocess
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from server.telemetry.counts import BATCH, BOUNDS_S, STAGES, Counts, Totals
from server.telemetry.processes import Process, cpu_by_role
from server.worker.timeline import Ran, Timeline
from tests.support.prometheus_client import scrape
from tests.support.server_process import Running, asking, running


def timeline(seconds: float, cpu: float | None = 0.0) -> Timeline:
    """Make a timeline whose work ran for this long."""
    timeline = Timeline()
    timeline.requested = timeline.granted = 0.0
    timeline.stage(Ran(0.0, seconds, cpu, 1, "thread", None, None))
    timeline.resumed = 0.0
    return timeline


@pytest.mark.parametrize(
    ("seconds", "place"), [(0.0, 0), (BOUNDS_S[0], 0), (0.00011, 1), (10.0, 11), (10.1, 12)]
)
def test_a_duration_counts_up_to_the_bound_that_it_does_not_pass(
    seconds: float, place: int
) -> None:
    counts = Counts([], ["inline"])
    counts.stages["inline"].add(timeline(seconds))
    ran = counts.durations()["inline", "ran"]
    assert [index for index, count in enumerate(ran[:-1]) if count] == [place]
    assert (ran[place], ran[-1]) == (1, seconds)


def test_requests_are_counted_once_however_many_there_are() -> None:
    counts = Counts([], ["inline"])
    for _ in range(2 * BATCH + 1):
        counts.stages["inline"].add(timeline(0.00011))
        counts.stages["inline"].add(timeline(0.0))
    for _ in range(2):
        ran = counts.durations()["inline", "ran"]
        assert ran[:2] == [2 * BATCH + 1] * 2
        assert sum(ran[:-1]) == 2 * (2 * BATCH + 1)
        assert ran[-1] == pytest.approx((2 * BATCH + 1) * 0.00011)


def test_unknown_cpu_time_is_not_counted() -> None:
    counts = Counts([], ["async"])
    counts.stages["async"].add(timeline(1.0, cpu=None))
    durations = counts.durations()
    assert sum(durations["async", "cpu"]) == 0
    assert all(sum(durations["async", stage][:-1]) == 1 for stage in STAGES if stage != "cpu")


def test_totals_add_up_and_the_highest_cpu_time_counts() -> None:
    first = Totals(
        {("w", "m", 200): 1}, {("m", "ran"): [1, 0, 0.5]}, {("m", "lost"): 1}, {"site": 4}
    )
    second = Totals(
        {("w", "m", 200): 2, ("w", "m", 503): 1},
        {("m", "ran"): [1, 2, 1.5], ("n", "ran"): [0, 1, 9.0]},
        {("m", "lost"): 3},
        {"site": 3, "server": 1},
    )
    assert first + second == Totals(
        {("w", "m", 200): 3, ("w", "m", 503): 1},
        {("m", "ran"): [2, 2, 2.0], ("n", "ran"): [0, 1, 9.0]},
        {("m", "lost"): 4},
        {"site": 4, "server": 1},
    )
    assert first + Totals() == Totals() + first == first


def test_cpu_time_of_loops_adds_up_but_a_shared_gil_counts_once() -> None:
    first = Totals(loops_cpu_s=1.5, gil={7: (10, 4), 8: (5, 5)})
    second = Totals(loops_cpu_s=2.0, gil={7: (12, 4)})
    assert first + second == Totals(loops_cpu_s=3.5, gil={7: (12, 4), 8: (5, 5)})


def test_cpu_time_of_ended_processes_counts_for_their_role() -> None:
    def process(role: str, ended_s: float) -> Process:
        return Process(1, role, 1.0, ended_s, 0, 1)

    listed = [
        process("master", 16.0),
        process("server", 8.0),
        process("fork server", 4.0),
        process("worker", 2.0),
    ]
    expected = {"master": 1.0, "server": 17.0, "fork server": 1.0, "worker": 15.0}
    assert cpu_by_role(listed) == expected


async def test_metrics_are_what_was_asked(database: None) -> None:
    expected_status = {
        "/noop/inline": ("noop", "inline", "200"),
        "/noop": ("noop", "hybrid", "200"),
        "/noop/async": ("noop", "async", "200"),
        "/primes/async": ("primes", "async", "501"),
        "/primes/inline?below=-1": ("primes", "inline", "422"),
        "/primes/inline?bellow=1": ("primes", "inline", "400"),
        "/fail/thread-pool": ("fail", "thread-pool", "500"),
        "/sleep/thread-pool?ms=2000": ("sleep", "thread-pool", "504"),
    }
    unknown = ["/nothing", "/noop/nothing", "/nothing/inline", "/noop/dask", "/health", "/stats"]
    models = "inline,async,thread-pool,hybrid"
    with running("--models", models, "--deadline", "500ms", "--threads", "3") as server:
        async with asking(server) as client:
            for path in [*expected_status, *expected_status, *unknown]:
                await client.ask(path)
        first, later = await scrape(server), await scrape(server)
    assert first.content_type == "text/plain; version=0.0.4; charset=utf-8"
    requests = first.all("loadbearing_requests_total")
    assert requests == {
        frozenset({("workload", workload), ("model", model), ("status", status)}): 2.0
        for workload, model, status in expected_status.values()
    }
    for model, count in {"inline": 2, "hybrid": 2, "async": 2, "thread-pool": 0}.items():
        assert first.value("loadbearing_stage_seconds_count", model=model, stage="total") == count
        buckets = first.all("loadbearing_stage_seconds_bucket", model=model, stage="total")
        assert list(buckets.values()) == sorted(buckets.values())
        assert len(buckets) == len(BOUNDS_S) + 1
        assert max(buckets.values()) == count
    assert 0 < first.value("loadbearing_stage_seconds_sum", model="hybrid", stage="total") < 1
    assert first.value("loadbearing_stage_seconds_count", model="async", stage="cpu") == 0
    assert first.value("loadbearing_slots", model="thread-pool") == 3
    assert first.value("loadbearing_expired_requests_total", model="thread-pool") == 2
    assert first.value("loadbearing_loops") == 1
    assert first.total("loadbearing_info", threads="3", loop="uvloop") == 1
    assert first.value("loadbearing_processes", role="server") == 1
    assert first.value("loadbearing_resident_memory_bytes", role="server") > 2**20
    before = first.value("loadbearing_cpu_seconds_total", role="server")
    assert 0 < before <= later.value("loadbearing_cpu_seconds_total", role="server")
    assert later.value("loadbearing_uptime_seconds") > first.value("loadbearing_uptime_seconds")
    lag = first.all("loadbearing_loop_lag_seconds")
    assert {dict(labels)["quantile"] for labels in lag} == {"0.5", "0.99", "1"}
    assert set(first.types.values()) == {"gauge", "counter", "histogram", "summary"}


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    with running("--models", "inline", module="server") as server:
        yield server


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("application/openmetrics-text; version=1.0.0", True),
        ("application/openmetrics-text; version=abc", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", True),
        ("application/openmetrics-text;q=0.1, text/plain", False),
        ("text/plain; version=abc", False),
        ("image/png", False),
        (", ;=/", False),
        ("", False),
    ],
)
async def test_any_accept_gets_metrics(accept: str, openmetrics: bool, small: Running) -> None:
    for coding in ("gzip", "identity"):
        answer = await scrape(small, **{"Accept": accept, "Accept-Encoding": coding})
        kind = "application/openmetrics-text; version=1.0.0" if openmetrics else "text/plain"
        assert answer.content_type.startswith(kind)
        assert answer.value("loadbearing_loops") == 1
    assert small.complaints() == ""


@pytest.mark.skipif(not shutil.which("promtool"), reason="Debian has it in the package prometheus")
def test_promtool_has_nothing_to_complain_about(small: Running) -> None:
    with urlopen(f"{small.url}/metrics") as answer:
        checked = subprocess.run(["promtool", "check", "metrics"], input=answer.read(), check=False)
    assert checked.returncode == 0


async def test_only_a_summary_has_quantiles(small: Running) -> None:
    """Hold what promtool would complain about, which most machines lack."""
    metrics = await scrape(small)
    assert [name for name, kind in metrics.types.items() if kind == "summary"] == [
        "loadbearing_loop_lag_seconds"
    ]
    for name in metrics.types:
        if name != "loadbearing_loop_lag_seconds":
            assert not any("quantile" in dict(labels) for labels in metrics.all(name))
