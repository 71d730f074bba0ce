"""Which waiting call is next, which is refused, and what Retry-After says."""

import asyncio
from time import monotonic

import pytest

from server.admission.bulkhead import Bulkhead
from server.admission.deadlines import Deadlines
from server.admission.policies import Bounded, Lifo, Policy
from server.errors import Expired, Refused
from server.settings import Settings
from tests.support.admission import LONG_S, bounded, settle


async def wait(bulkhead: Bulkhead, number: int, served: list[int]) -> None:
    await bulkhead.enter(monotonic())
    served.append(number)


async def served_in_turn(policy: Policy) -> tuple[list[int], list[int]]:
    """Offer six calls to one worker and a queue of three; returns the served and the refused."""
    bulkhead, served = Bulkhead(1, policy, LONG_S), list[int]()
    tasks = []
    for number in range(6):
        tasks.append(asyncio.create_task(wait(bulkhead, number, served)))
        await settle()
    while bulkhead.busy:
        bulkhead.leave(monotonic())
        await settle()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return served, [number for number, item in enumerate(outcomes) if isinstance(item, Refused)]


@pytest.mark.parametrize(
    ("policy", "served", "refused"),
    [(Bounded, [0, 1, 2, 3], [4, 5]), (Lifo, [0, 5, 4, 3], [1, 2])],  # oldest or newest first
)
async def test_the_policy_decides_which_is_served_next_and_which_is_refused(
    policy: type[Policy], served: list[int], refused: list[int]
) -> None:
    assert await served_in_turn(policy(1, 3, LONG_S)) == (served, refused)


async def test_a_call_that_waits_beyond_the_target_is_refused() -> None:
    bulkhead = Bulkhead(1, Lifo(1, 3, 0.01), LONG_S)
    await bulkhead.enter(monotonic())
    with pytest.raises(Refused):
        await bulkhead.enter(monotonic())
    assert (bulkhead.queued, bulkhead.refused, bulkhead.deadlines.expired) == (0, 1, 0)


async def test_retry_after_is_the_time_until_the_queue_is_done() -> None:
    bulkhead = bounded(1, 3, LONG_S)
    for departure in range(6):
        bulkhead._pace.departed(2.0 * departure, full=True)
    waiting = [asyncio.create_task(bulkhead.enter(monotonic())) for _ in range(4)]
    await settle()
    with pytest.raises(Refused) as refused:
        await bulkhead.enter(monotonic())
    assert refused.value.headers == {"Retry-After": "8"}  # four under way, one completed every 2 s
    for task in waiting:
        task.cancel()


async def test_a_refusal_mentions_abandoned_work() -> None:
    bulkhead, late = bounded(2, 0, LONG_S), object()
    await bulkhead.enter(monotonic())
    await bulkhead.enter(monotonic())
    bulkhead.abandon(late)
    with pytest.raises(Refused, match=r"\(1 of them with abandoned work\)"):
        await bulkhead.enter(monotonic())
    bulkhead.leave(monotonic(), late)
    assert bulkhead.gauges()["abandoned"] == 0


async def test_shorter_work_is_sent_ahead_in_larger_numbers() -> None:
    async def let_in(pace_s: float) -> int:
        bulkhead = bounded(2, 100, LONG_S, ahead=30)
        for departure in range(6):
            bulkhead._pace.departed(pace_s * departure, full=True)
        bulkhead._places = bulkhead._wanted_places()
        tasks = [asyncio.create_task(bulkhead.enter(monotonic())) for _ in range(60)]
        await settle()
        inside = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        return inside

    assert (
        await let_in(0.012) == 2 + 2
    )  # one for each worker, so that the next call is always there
    assert await let_in(0.0021) == 2 + 10  # what takes 20 ms
    assert await let_in(0.0001) == 2 + 30


async def test_a_call_that_lost_its_worker_is_next_and_is_not_refused() -> None:
    bulkhead, served = bounded(1, 2, LONG_S), list[int]()
    await bulkhead.enter(monotonic())
    tasks = [asyncio.create_task(wait(bulkhead, number, served)) for number in (1, 2)]
    await settle()
    bulkhead.leave(
        monotonic(), worked=False
    )  # its worker died: the first waiting call gets the place
    tasks.append(asyncio.create_task(wait(bulkhead, 3, served)))  # which fills the queue again
    again = asyncio.create_task(bulkhead.enter(monotonic(), again=True))
    await settle()
    bulkhead.leave(monotonic())
    await again
    assert served == [1]
    for _ in (2, 3):
        bulkhead.leave(monotonic())
        await settle()
    assert served == [1, 2, 3]


async def test_calls_that_never_ran_do_not_update_the_pace() -> None:
    bulkhead = bounded(1, 10, LONG_S)
    tasks = [asyncio.create_task(bulkhead.enter(monotonic())) for _ in range(8)]
    await settle()
    for _ in tasks:
        bulkhead.leave(monotonic(), worked=False)
        await settle()
    assert bulkhead._pace.seconds is None


async def test_the_call_accepted_first_expires_first_wherever_it_waited() -> None:
    deadlines, begun = Deadlines(0.2), monotonic()
    later, earlier = (asyncio.get_running_loop().create_future() for _ in range(2))
    deadlines.watch(later, begun, "waited")
    deadlines.watch(earlier, begun - 0.15, "waited")
    with pytest.raises(Expired):
        await earlier
    assert monotonic() - begun < 0.2
    assert not later.done()
    with pytest.raises(Expired):
        await later


async def test_waiting_calls_start_when_there_are_more_workers() -> None:
    bulkhead, served = bounded(1, 3, LONG_S), list[int]()
    await bulkhead.enter(monotonic())
    tasks = [asyncio.create_task(wait(bulkhead, number, served)) for number in (1, 2)]
    await settle()
    bulkhead.resize(Settings(admission="bounded"), 3, 0)
    await asyncio.gather(*tasks)
    assert (served, bulkhead.busy, bulkhead.gauges()["slots"]) == ([1, 2], 3, 3)
