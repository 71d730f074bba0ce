"""One more model or admission policy is a class and a line of its table."""

from collections.abc import Iterator

import pytest

from server.tables import POLICIES
from tests.server.models.test_contract import WORKLOADS, check
from tests.support.server_process import Client, Running, asking, running

MODEL = "eager"


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[Running]:
    options = ("--threads", "2", "--models", f"inline,{MODEL}")
    with running(*options, module="tests.support.one_more_model") as server:
        yield server


@pytest.mark.parametrize("workload", WORKLOADS)
async def test_a_new_model_runs_every_workload(workload: str, client: Client) -> None:
    answer = await client.ask(f"/{workload}/{MODEL}{WORKLOADS[workload]}")
    inline = await client.ask(f"/{workload}/inline{WORKLOADS[workload]}")
    assert check(answer, workload, MODEL)["result"] == inline.json["result"]


async def test_a_new_model_is_described_and_counted(client: Client) -> None:
    model = (await client.ask("/")).json["models"][MODEL]
    assert (model["available"], model["doc"]) == (True, "On the event loop, but behind a queue.")
    assert all(model["promises"].values())
    assert (await client.gauges(MODEL))["slots"] == 2
    assert f"/noop/{MODEL}" in (await client.ask("/openapi.json")).json["paths"]


async def test_a_new_policy_is_accepted_published_and_used(database: None) -> None:
    options = ("--models", "thread-pool", "--admission", "closed", "--target", "200ms")
    with running(*options, module="tests.support.one_more_policy") as server:
        async with asking(server) as client:
            discovery = (await client.ask("/")).json
            assert discovery["options"]["admission"]["choices"] == [*POLICIES, "closed"]
            runtime = discovery["runtime"]
            assert runtime["admission"] == "closed"
            assert runtime["answered_within_s"] == pytest.approx(3.0 * 0.2)
            answer = await client.ask("/noop/thread-pool")
            assert answer.status == 503
            assert "this policy admits nothing" in answer.error["message"]
            assert (await client.gauges("thread-pool"))["refused"] == 1
