"""The bulkhead never admits too many, serves in order of arrival, and loses no slot."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.admission.bulkhead import Bulkhead
from server.errors import Expired, Refused
from tests.support.admission import LONG_S, bounded, settle

Operation = tuple[str, int]
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "cancel", "settle"]), st.integers(0, 7)),
    max_size=40,
)


class Crowd:
    """Requests to one bulkhead, and the outcome of each."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self.bulkhead = bulkhead
        self.granted: list[int] = []
        self.checked = 0
        self.inside: list[int] = []
        self.refused: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def _request(self, number: int) -> None:
        try:
            await self.bulkhead.enter(monotonic())
        except Refused:
            self.refused.append(number)
        else:
            self.granted.append(number)
            self.inside.append(number)

    def do(self, operation: str, pick: int) -> None:
        waiting = [number for number, task in self.tasks.items() if not task.done()]
        if operation == "enter":
            number = len(self.tasks)
            self.tasks[number] = asyncio.create_task(self._request(number))
        elif operation == "leave" and self.inside:
            self.inside.pop(pick % len(self.inside))
            self.bulkhead.leave(monotonic())
        elif operation == "cancel" and waiting:
            self.tasks[waiting[pick % len(waiting)]].cancel()

    def check(self) -> None:
        assert 0 <= len(self.inside) <= self.bulkhead.busy <= self.bulkhead.workers
        assert self.bulkhead.queued <= self.bulkhead.policy.most - self.bulkhead.workers
        # Those that are admitted in the same moment may continue in any order.
        before, now = self.granted[: self.checked], self.granted[self.checked :]
        assert not before or not now or min(now) > max(before)
        self.checked = len(self.granted)
        assert self.bulkhead.refused == len(self.refused)

    async def end(self) -> None:
        """Serve all requests; afterwards no slot and no place may be taken."""
        await settle()
        assert len(self.inside) == self.bulkhead.busy
        while self.inside:
            self.do("leave", 0)
            await settle()
            self.check()
        assert all(task.done() for task in self.tasks.values())
        for task in self.tasks.values():
            assert task.cancelled() or task.exception() is None
        assert (self.bulkhead.busy, self.bulkhead.queued) == (0, 0)


def expire(bulkhead: Bulkhead) -> None:
    """Do what the timer does past all deadlines, at an exact moment."""
    deadlines = bulkhead.deadlines
    deadlines._watched = dict.fromkeys(deadlines._watched, (0.0, "waited for a worker past"))
    deadlines._look()


@given(slots=st.integers(1, 2), queue=st.integers(0, 3), operations=OPERATIONS)
@example(2, 3, [*[("enter", 0)] * 3, ("settle", 0), ("enter", 0), *[("leave", 0)] * 2])
@example(1, 2, [*[("enter", 0)] * 3, ("settle", 0), ("cancel", 0), ("leave", 0)])
@example(1, 2, [*[("enter", 0)] * 3, ("settle", 0), ("leave", 0), ("cancel", 0)])
def test_the_bounds_hold_in_every_sequence_of_events(
    slots: int, queue: int, operations: Sequence[Operation]
) -> None:
    async def play() -> None:
        crowd = Crowd(bounded(slots, queue, LONG_S))
        for operation, pick in operations:
            if operation == "settle":
                await settle()
            else:
                crowd.do(operation, pick)
            crowd.check()
        await crowd.end()

    asyncio.run(play())


async def test_a_call_that_waits_past_its_deadline_expires() -> None:
    bulkhead = bounded(1, 1, 0.01)
    await bulkhead.enter(monotonic())
    with pytest.raises(Expired, match=r"waited for a worker past its deadline of 0\.01 s"):
        await bulkhead.enter(monotonic())
    gauges = bulkhead.gauges()
    assert (gauges["busy"], gauges["queued"], gauges["expired"], gauges["refused"]) == (1, 0, 1, 0)
    bulkhead.leave(monotonic())
    assert bulkhead.busy == 0


async def test_the_deadline_counts_from_when_the_request_was_accepted() -> None:
    bulkhead = bounded(1, 1, LONG_S)
    await bulkhead.enter(monotonic())
    with pytest.raises(Expired):
        await bulkhead.enter(monotonic() - LONG_S)
    assert bulkhead.deadlines.remaining(monotonic() - 2 * LONG_S) == 0


@pytest.mark.parametrize("also", ["leave", "cancel", "both"])
async def test_a_deadline_in_the_same_moment_as_something_else_loses_no_slot(also: str) -> None:
    bulkhead = bounded(1, 1, LONG_S)
    await bulkhead.enter(monotonic())
    late = asyncio.create_task(bulkhead.enter(monotonic()))
    await settle()
    expire(bulkhead)
    if also in {"leave", "both"}:
        bulkhead.leave(monotonic())
    if also in {"cancel", "both"}:
        late.cancel()
    [outcome] = await asyncio.gather(late, return_exceptions=True)
    assert isinstance(outcome, Expired | asyncio.CancelledError)
    assert bulkhead.busy == (1 if also == "cancel" else 0)
    assert bulkhead.queued == 0


async def test_a_slot_handed_over_in_the_moment_of_the_deadline_is_kept() -> None:
    bulkhead = bounded(1, 1, LONG_S)
    await bulkhead.enter(monotonic())
    lucky = asyncio.create_task(bulkhead.enter(monotonic()))
    await settle()
    bulkhead.leave(monotonic())
    expire(bulkhead)
    await lucky
    gauges = bulkhead.gauges()
    assert (gauges["busy"], gauges["queued"], gauges["expired"], gauges["refused"]) == (1, 0, 0, 0)


async def test_calls_sent_ahead_to_an_executor_count_as_queued() -> None:
    bulkhead = bounded(2, 3, LONG_S, ahead=2)
    for _ in range(4):
        await bulkhead.enter(monotonic())
    assert (bulkhead.busy, bulkhead.queued) == (2, 2)
    fifth = asyncio.create_task(bulkhead.enter(monotonic()))
    await settle()
    with pytest.raises(Refused):
        await bulkhead.enter(monotonic())
    bulkhead.leave(monotonic())
    await fifth
    assert (bulkhead.busy, bulkhead.queued) == (2, 2)
