"""A cell is tried before it is measured, and only its first answer may come too late."""

import pytest

from loadtests.errors import Untrustworthy
from loadtests.service.warm_up import WARM_UP, warmed_up
from tests.support.scripted_service import http, scripted

LATE = http(b'{"error": {"message": "the request was not done by its deadline"}}', 504)
RIGHT = http(b'{"result": 1, "worker": 2}')


def test_what_the_work_needs_may_start_with_its_first_call() -> None:
    answers = iter([LATE, *[RIGHT] * WARM_UP])
    with scripted(lambda _: next(answers)) as service:
        assert warmed_up(service.url, "/work").text == '"result": 1, '


@pytest.mark.parametrize("statuses", [[504, 504], [200, 504], [500]])
def test_other_failures_are_its_reason(statuses: list[int]) -> None:
    answers = iter([RIGHT if status == 200 else http(b"{}", status) for status in statuses])
    with (
        scripted(lambda _: next(answers)) as service,
        pytest.raises(Untrustworthy, match=f"GET /work answers {statuses[-1]}: no reason"),
    ):
        warmed_up(service.url, "/work")
