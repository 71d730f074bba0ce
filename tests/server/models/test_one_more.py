"""One more model is a class and a line of the table; one more workload is a function."""

from collections.abc import Iterator

import pytest

from server.tables import MODELS
from tests.server.models.test_contract import WORKLOADS, check
from tests.support.server_process import Client, Running, running

MODEL, WORKLOAD = "eager", "double"
DEFAULT = [name for name in MODELS if name not in {"async", "interpreter-pool", "dask"}]


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[Running]:
    models = ",".join([*DEFAULT, MODEL])
    options = ("--processes", "1", "--threads", "2", "--models", models)
    workloads = ("--workloads", "tests.support.one_more_workload")
    with running(*options, *workloads, module="tests.support.one_more_model") as server:
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


@pytest.mark.parametrize("model", [*DEFAULT, MODEL])
async def test_a_new_workload_runs_under_every_model(model: str, client: Client) -> None:
    body = check(await client.ask(f"/{WORKLOAD}/{model}?number=3"), WORKLOAD, model)
    assert body["result"] == 6


async def test_a_new_workload_is_described_and_checked(client: Client) -> None:
    workload = (await client.ask("/")).json["workloads"][WORKLOAD]
    assert (workload["kind"], workload["doc"]) == ("cpu", "Double a number.")
    parameter = workload["parameters"]["number"]
    assert (parameter["default"], parameter["maximum"]) == (4, 9)
    assert (await client.ask(f"/{WORKLOAD}?number=10")).status == 422
    assert f"/{WORKLOAD}" in (await client.ask("/openapi.json")).json["paths"]
