"""Everything but cells: discovery, health, and the answers to wrong requests."""

import pytest

from server.models.base import PROMISES
from server.tables import MODELS
from server.web import answers
from tests.support.faulty_workloads import MISBEHAVING
from tests.support.server_process import Answer, Client, asking, running


def error(answer: Answer) -> dict[str, str]:
    """Check what all errors have in common, and return the error."""
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.text.endswith("}\n")
    answers.Error.model_validate(answer.json)
    assert answer.error["message"]
    assert answer.error["hint"]
    assert "Traceback" not in answer.text
    return answer.error


async def test_discovery_describes_models_workloads_and_runtime(client: Client) -> None:
    answer = await client.ask("/")
    discovery = answer.json
    answers.Discovery.model_validate(discovery)
    assert list(discovery["models"]) == list(MODELS)
    for model in discovery["models"].values():
        assert model["available"] == (model["why"] is None)
        assert list(model["promises"]) == [*PROMISES]
        assert {name for name, kept in model["promises"].items() if not kept} == {*model["cannot"]}
        assert all(model["cannot"].values())
    hint = error(await client.ask("/nosuch"))["hint"]
    assert hint == f"There are: {', '.join(sorted(discovery['workloads']))}."
    started = [name for name, model in discovery["models"].items() if model["available"]]
    primes = discovery["workloads"]["primes"]
    assert primes["kind"] == "cpu"
    assert primes["parameters"]["below"]["maximum"] == 400_000
    assert primes["models"] == [model for model in started if model != "async"]
    assert "no async version" in primes["impossible"]["async"]
    assert discovery["workloads"]["scrape"]["stages"] == ["io", "cpu"]
    runtime = discovery["runtime"]
    assert runtime["loop"] in {"uvloop", "asyncio"}
    assert (runtime["threads"], runtime["processes"], runtime["deadline_s"]) == (4, 2, 30)


async def test_the_curl_of_each_workload_runs(client: Client) -> None:
    workloads = (await client.ask("/")).json["workloads"]
    for name in workloads.keys() - MISBEHAVING:
        command, address = workloads[name]["curl"].split(" ", 1)
        assert command == "curl"
        assert address.startswith(f"'{client.server.url}/{name}")
        path = address.strip("'").removeprefix(client.server.url)
        answer = await client.ask(path)
        assert answer.status == 200
        answers.Answer.model_validate(answer.json)


@pytest.mark.parametrize(("path", "status"), [("/health", "ok"), ("/ready", "ready")])
async def test_health_and_ready(path: str, status: str, client: Client) -> None:
    answer = await client.ask(path)
    assert (answer.status, answer.json) == (200, {"status": status})
    answers.Status.model_validate(answer.json)
    assert answer.text.endswith("\n")


@pytest.mark.parametrize(
    ("path", "answered", "message", "hint"),
    [
        ("/prime", "404 NotFound", "unknown workload 'prime'", "Did you mean 'primes'?"),
        ("/nosuch", "404 NotFound", "unknown workload 'nosuch'", "There are: "),
        ("/%00", "404 NotFound", "unknown workload '\\x00'", "There are: "),
        ("/health/inline", "404 NotFound", "unknown workload 'health'", "There are: "),
        ("/primes/treadpool", "404 NotFound", "unknown model 'treadpool'", "mean 'thread-pool'?"),
        ("/primes/async", "501 CannotRun", "no async version", "GET / lists"),
        ("/primes/inline?below=ten", "422 BadParameter", "valid integer", "takes an integer"),
        ("/primes?bellow=1", "400 BadRequest", "unknown parameter 'bellow'", "mean 'below'?"),
    ],
)
async def test_a_wrong_path_or_query_is_explained(
    path: str, answered: str, message: str, hint: str, client: Client
) -> None:
    answer = await client.ask(path)
    problem = error(answer)
    assert f"{answer.status} {problem['type']}" == answered
    assert message in problem["message"]
    assert hint in problem["hint"]


async def test_a_body_is_refused(client: Client) -> None:
    answer = await client.ask("/primes", data=b"below=10")
    assert answer.status == 400
    assert error(answer)["message"] == "GET takes no body"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/", "GET, HEAD"), ("/health", "GET, HEAD"), ("/primes", "GET"), ("/primes/async", "GET")],
)
async def test_other_methods_are_not_allowed(path: str, allowed: str, client: Client) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY"):
        answer = await client.ask(path, method, data=b"below=10" if method == "POST" else None)
        assert answer.status == 405
        assert answer.headers["Allow"] == allowed
        assert error(answer)["type"] == "NotAllowed"
        assert error(answer)["message"] == f"{path} does not accept {method}"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/health/", "/health"),
        ("/primes/inline/", "/primes/inline"),
        ("/primes%2Finline", "/primes/inline"),
    ],
)
async def test_an_extra_slash_is_explained(path: str, meant: str, client: Client) -> None:
    answer = await client.ask(path)
    assert answer.status == 404
    assert error(answer)["message"] == f"unknown path '{path}'"
    assert error(answer)["hint"] == f"Did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("path", "status"), [("/health", 200), ("/primes", 405), ("/primes/inline", 405)]
)
async def test_head_costs_no_work(path: str, status: int, client: Client) -> None:
    answer = await client.ask(path, "HEAD")
    assert (answer.status, answer.text) == (status, "")


async def test_a_model_that_is_not_started_says_how_to_start_it(database: None) -> None:
    with running("--models", "inline") as server:
        async with asking(server) as client:
            for path, model in (("/noop/thread-pool", "thread-pool"), ("/noop", "hybrid")):
                answer = await client.ask(path)
                assert answer.status == 501
                remedy = f"start the server with --models inline,{model}"
                message = f"the model {model!r} is not started; {remedy}"
                assert error(answer)["message"] == message
                choice = "/noop/inline" if path == "/noop" else "GET / lists"
                assert choice in error(answer)["hint"]
            assert (await client.ask("/noop/inline")).status == 200
            assert (await client.ask("/noop/thredpool")).status == 404
            models = (await client.ask("/")).json["models"]
    assert [name for name, model in models.items() if model["available"]] == ["inline"]
    assert models["hybrid"]["why"] == f"not started: {remedy}"
