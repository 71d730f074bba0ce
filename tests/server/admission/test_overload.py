"""Every model is bounded: calls beyond its queue are refused at once, late ones expire."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from server.tables import MODELS
from tests.support.server_process import PYTHONS, Client, Running, asking, running

QUEUE = 2
BOUNDED = sorted(MODELS.keys() - {"inline", "async", "hybrid"})  # models with a queue of their own
KILLING = {"supervised-process-pool", "process-per-request"}
LASTING = sorted({*BOUNDED} - KILLING)  # their late work cannot be stopped
DEADLINE_S = 0.3
NARROW = ("--threads", "1", "--processes", "1", "--queue", str(QUEUE), "--admission", "bounded")


@pytest.fixture(scope="module", params=[sys.executable, *PYTHONS])
def patient(database: None, request: pytest.FixtureRequest) -> Iterator[Running]:
    with running(*NARROW, "--deadline", "60s", python=request.param) as server:
        yield server


@pytest.fixture(scope="module", params=[sys.executable, *PYTHONS])
def hasty(database: None, request: pytest.FixtureRequest) -> Iterator[Running]:
    with running(*NARROW, "--deadline", f"{DEADLINE_S}s", python=request.param) as server:
        yield server


@pytest.fixture
async def narrow(patient: Running) -> AsyncIterator[Client]:
    async with asking(patient) as client:
        yield client


@pytest.fixture
async def hurried(hasty: Running) -> AsyncIterator[Client]:
    async with asking(hasty) as client:
        yield client


@pytest.mark.parametrize("model", BOUNDED)
async def test_beyond_the_queue_requests_are_refused_at_once(model: str, narrow: Client) -> None:
    await narrow.need(model)
    before = await narrow.gauges(model)
    slots = before["slots"]
    with narrow.server.shut():
        taken = [asyncio.create_task(narrow.ask(f"/hold/{model}")) for _ in range(slots + QUEUE)]
        await narrow.until(model, busy=slots, queued=QUEUE)
        refused = await asyncio.gather(*(narrow.ask(f"/hold/{model}") for _ in range(3)))
        assert not any(call.done() for call in taken)  # refusals did not wait for them
        assert (await narrow.ask("/health")).status == 200
        await narrow.until(model, refused=before["refused"] + 3)
    for answer in refused:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.error["type"] == "Refused"
        assert f"all {slots} workers are busy and {QUEUE} requests wait" in answer.error["message"]
        assert "--admission" in answer.error["hint"]
    assert {answer.status for answer in await asyncio.gather(*taken)} == {200}
    await narrow.until(model, busy=0, queued=0, expired=before["expired"])


@pytest.mark.parametrize("model", LASTING)
async def test_late_requests_expire_and_their_slots_stay_busy(model: str, hurried: Client) -> None:
    await hurried.need(model)
    before = await hurried.gauges(model)
    slots = before["slots"]
    with hurried.server.shut():
        calls = [hurried.ask(f"/hold/{model}") for _ in range(slots + 1)]
        answers = await asyncio.gather(*calls)
        assert {answer.status for answer in answers} == {504}
        assert {answer.error["type"] for answer in answers} == {"Expired"}
        assert all(f"its deadline of {DEADLINE_S} s" in item.error["message"] for item in answers)
        gauges = await hurried.gauges(model)
        assert gauges["busy"] == gauges["abandoned"] == slots
        assert gauges["expired"] == before["expired"] + slots + 1
    await hurried.until(model, busy=0, queued=0, abandoned=0)
    assert hurried.server.held() == slots  # calls that waited too long never ran
    assert (await hurried.ask(f"/noop/{model}")).status == 200


async def test_an_awaited_twin_is_cancelled_at_the_deadline(hurried: Client) -> None:
    answer = await hurried.ask("/sleep/async?ms=5000")
    assert answer.status == 504
    assert answer.error["message"] == f"the request was not done by its deadline of {DEADLINE_S} s"
    assert (await hurried.gauges("async"))["busy"] == 0


@pytest.mark.parametrize(("workload", "pool"), [("hold", "thread-pool"), ("noop", None)])
async def test_hybrid_is_bounded_by_the_pools_that_it_is_made_of(
    workload: str, pool: str | None, narrow: Client
) -> None:
    slots = (await narrow.gauges("thread-pool"))["slots"]
    with narrow.server.shut():
        taken = [asyncio.create_task(narrow.ask("/hold")) for _ in range(slots + QUEUE)]
        await narrow.until("thread-pool", busy=slots, queued=QUEUE)
        answer = await narrow.ask(f"/{workload}")
    assert answer.status == (503 if pool else 200)
    assert {answer.status for answer in await asyncio.gather(*taken)} == {200}


async def test_one_full_model_leaves_the_others_alone(narrow: Client) -> None:
    with narrow.server.shut():
        taken = [asyncio.create_task(narrow.ask("/hold/thread-pool")) for _ in range(1 + QUEUE)]
        await narrow.until("thread-pool", busy=1, queued=QUEUE)
        others = await narrow.started() - {"thread-pool"}
        answers = await asyncio.gather(*(narrow.ask(f"/noop/{model}") for model in others))
        assert {answer.status for answer in answers} == {200}
    assert {answer.status for answer in await asyncio.gather(*taken)} == {200}
