"""One more admission policy needs two files: its class, and a line in the table of policies.

The load tests learn about it from the server.
"""

import pytest

from loadtests.run.surge.request import chosen_policies
from loadtests.service.contract import discover
from server.tables import POLICIES
from tests.support.server_process import asking, running


async def test_a_new_policy_is_accepted_published_and_used(database: None) -> None:
    options = ("--models", "thread-pool", "--admission", "closed", "--target", "200ms")
    with running(*options, module="tests.support.one_more_policy") as server:
        async with asking(server) as client:
            discovery = (await client.ask("/")).json
            assert discovery["options"]["admission"]["choices"] == [*POLICIES, "closed"]
            assert chosen_policies(("all",), discover(server.url)) == (*POLICIES, "closed")
            runtime = discovery["runtime"]
            assert runtime["admission"] == "closed"
            assert runtime["answered_within_s"] == pytest.approx(3.0 * 0.2)
            answer = await client.ask("/noop/thread-pool")
            assert answer.status == 503
            assert "this policy admits nothing" in answer.error["message"]
            assert (await client.gauges("thread-pool"))["refused"] == 1
