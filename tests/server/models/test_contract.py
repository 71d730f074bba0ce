"""Every workload under every model keeps the HTTP contract: the same keys, stamps and result."""

import asyncio
import re
from typing import Any

import pytest

from server.models.selection import load
from server.tables import MODELS
from tests.support import faulty_workloads
from tests.support.server_process import PYTHONS, SIZES, Answer, Client

WORKLOADS = {
    "sleep": "?ms=1",
    "fetch": "?pages=1&delay=1",
    "file": "",
    "query": "",
    "rows": "?orders=500",
    "count": "?to=10000",
    "primes": "?below=2000",
    "montecarlo": "?samples=2000",
    "sha256": "?kib=64",
    "compress": "?kib=16",
    "echo": "",
    "noop": "",
    "scrape": "?pages=1&delay=1",
    "postgres": "?ms=1&rows=2",
}
WITHOUT_TWIN = {"file", "query", "rows", "count", "primes", "montecarlo", "sha256", "compress"}
STAGES = ["queued", "started", "ran", "cpu", "resumed", "total"]
SERVER, ELSEWHERE, EITHER = "in the server", "in another process", "by the kind of its stages"
PLACES = {
    "inline": SERVER,
    "async": SERVER,
    "thread-per-request": SERVER,
    "thread-pool": SERVER,
    "process-per-request": ELSEWHERE,
    "process-pool": ELSEWHERE,
    "supervised-process-pool": ELSEWHERE,
    "interpreter-pool": SERVER,
    "hybrid": EITHER,
    "dask": ELSEWHERE,
}


def check(answer: Answer, workload: str, model: str) -> dict[str, Any]:
    """Check that an answer keeps the contract, and return its body."""
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.text.endswith("}\n")
    body: dict[str, Any] = answer.json
    assert list(body) == ["workload", "model", "result", "worker", "ms"]
    assert (body["workload"], body["model"]) == (workload, model)
    assert list(body["worker"]) == ["pid", "thread"]
    assert body["worker"]["thread"]
    ms = body["ms"]
    assert list(ms) == STAGES
    assert all(took >= 0 for took in ms.values() if took is not None)
    # The rest of the total is parsing the query, and rounding.
    stages = ms["queued"] + ms["started"] + ms["ran"] + ms["resumed"]
    assert stages <= ms["total"] + 0.01
    assert stages == pytest.approx(ms["total"], abs=250)
    if model == "async":
        assert ms["cpu"] is None
    else:
        assert ms["cpu"] <= ms["ran"] + 1
    timing = re.findall(r"(\w+);dur=([\d.]+)", answer.headers["Server-Timing"])
    assert {name: float(took) for name, took in timing} == {
        name: took for name, took in ms.items() if took is not None
    }
    return body


def test_every_model_is_tested() -> None:
    assert list(PLACES) == list(MODELS)


async def test_every_workload_is_tested(client: Client) -> None:
    discovery = (await client.ask("/")).json
    assert set(discovery["workloads"]) == set(WORKLOADS) | faulty_workloads.ALL


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("model", MODELS)
async def test_cell(model: str, workload: str, client: Client) -> None:
    answer = await client.ask(f"/{workload}/{model}{WORKLOADS[workload]}")
    about = (await client.ask("/")).json
    why = about["models"][model]["why"]
    if workload == "postgres":  # which needs a package
        why = why or about["workloads"][workload]["impossible"].get(model)
    if why:
        assert answer.status == 501
        assert why in answer.error["message"]
        pytest.skip(why)
    if model == "async" and workload in WITHOUT_TWIN:
        assert answer.status == 501
        assert answer.error["type"] == "CannotRun"
        assert "no async version" in answer.error["message"]
        return
    body = check(answer, workload, model)
    baseline = await client.ask(f"/{workload}/inline{WORKLOADS[workload]}")
    assert body["result"] == baseline.json["result"]
    if PLACES[model] is not EITHER:
        assert (body["worker"]["pid"] == client.server.pid) == (PLACES[model] is SERVER)


@pytest.mark.parametrize("workload", WORKLOADS)
async def test_without_a_model_it_runs_under_hybrid(workload: str, client: Client) -> None:
    check(await client.ask(f"/{workload}{WORKLOADS[workload]}"), workload, "hybrid")


@pytest.mark.parametrize(
    ("workload", "place"),
    [("sleep", SERVER), ("count", ELSEWHERE), ("scrape", ELSEWHERE), ("noop", SERVER)],
)
async def test_hybrid_runs_each_kind_where_it_belongs(
    workload: str, place: str, client: Client
) -> None:
    answer = await client.ask(f"/{workload}/hybrid{WORKLOADS[workload]}")
    assert (answer.json["worker"]["pid"] == client.server.pid) == (place is SERVER)


@pytest.mark.parametrize(
    ("model", "least", "most"),
    [
        ("thread-per-request", 10, 10),
        ("process-per-request", 10, 10),
        ("thread-pool", 1, 4),
        ("process-pool", 1, 2),
        ("supervised-process-pool", 1, 2),
        ("interpreter-pool", 1, 2),
    ],
)
async def test_a_request_has_its_own_worker_or_one_of_a_pool(
    model: str, least: int, most: int, client: Client
) -> None:
    await client.need(model)
    workers = [(await client.ask(f"/noop/{model}")).json["worker"] for _ in range(10)]
    assert least <= len({(worker["pid"], worker["thread"]) for worker in workers}) <= most


SIZED = [name for name in MODELS if load(name).sized_by]


def test_models_say_which_option_sizes_them() -> None:
    assert {name: load(name).sized_by for name in SIZED} == {
        **dict.fromkeys(("thread-per-request", "thread-pool"), "threads"),
        **dict.fromkeys(("process-per-request", "process-pool"), "processes"),
        **dict.fromkeys(("supervised-process-pool", "interpreter-pool", "dask"), "processes"),
    }


@pytest.mark.parametrize("model", SIZED)
async def test_a_model_runs_as_many_calls_at_once_as_its_option_says(
    model: str, client: Client
) -> None:
    await client.need(model)
    calls = SIZES[str(load(model).sized_by)] * (8 if model.endswith("-per-request") else 1)
    with client.server.shut():
        held = [asyncio.create_task(client.ask(f"/hold/{model}")) for _ in range(calls)]
        await client.server.begun(calls)
        await client.until(model, slots=calls, busy=calls, queued=0)
    assert {answer.status for answer in await asyncio.gather(*held)} == {200}


@pytest.mark.skipif(bool(PYTHONS), reason="every test of this file also ran under them")
def test_other_pythons() -> None:
    pytest.skip("LOADBEARING_PYTHONS names no other interpreters (paths, separated by colons)")
