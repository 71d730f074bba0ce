"""The server does what its OpenAPI document says: schemathesis tries all of it, and more."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import settings

from server.web.handlers import FIXED
from tests.support.server_process import Client, Running, running

# The event loop and both pools. Under `inline`, long requests would wait for each other.
MODELS = ("async", "hybrid")
ENDLESS = "/events"  # a stream without end
LONG_S = 400  # it takes half a minute on an idle machine
EXAMPLES = str(max(1, settings().max_examples // 40))  # per operation, in addition to fixed ones
DIALECT = "https://json-schema.org/draft/2020-12/schema"
# These workloads are meant to be slow. Schemathesis repeats parameters only in this phase.
CONFIGURATION = """
request-timeout = 120
checks.max_response_time = 120
phases.coverage.generate-duplicate-query-parameters = true
"""


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[Running]:
    with running(
        "--models", ",".join(MODELS), "--deadline", "120s", "--target", "120s", module="server"
    ) as started:
        yield started


@pytest.fixture
async def described(client: Client) -> dict[str, Any]:
    answer = await client.ask("/openapi.json")
    assert (answer.status, answer.text[-2:]) == (200, "}\n")
    document: dict[str, Any] = answer.json
    return document


def operations(described: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in described["paths"].values() for operation in item.values()]


async def test_it_lists_what_runs(client: Client, described: dict[str, Any]) -> None:
    workloads = (await client.ask("/")).json["workloads"]
    cells = {
        f"/{name}/{model}" for name, workload in workloads.items() for model in workload["models"]
    }
    fixed = {f"/{path}" for path in FIXED}
    assert set(described["paths"]) == fixed | cells | {f"/{name}" for name in workloads}
    assert {"/noop/async", "/noop/hybrid", "/primes/hybrid"} < cells
    assert "/primes/async" not in cells


def test_it_is_valid(described: dict[str, Any]) -> None:
    import schemathesis  # noqa: PLC0415 - takes a while

    schemathesis.openapi.from_dict(described).validate()
    schemas = list(_schemas(described))
    assert len(schemas) > 40
    for schema in schemas:
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})
    every = operations(described)
    assert len({operation["operationId"] for operation in every}) == len(every)
    assert {tag for operation in every for tag in operation["tags"]} == {
        tag["name"] for tag in described["tags"]
    }


def _schemas(part: Any) -> Iterator[dict[str, Any]]:
    """Find all JSON schemas; the schema of OpenAPI does not validate them."""
    if isinstance(part, dict):
        for key, inner in part.items():
            if key == "schema":
                yield inner
            elif key == "schemas":
                yield from inner.values()
            else:
                yield from _schemas(inner)


@pytest.mark.thorough
def test_schemathesis_finds_no_contradiction(
    server: Running, described: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    # It would not test the path of a document that it fetched itself.
    (tmp_path / "openapi.json").write_text(json.dumps(described))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", server.url),
            *("--exclude-path", ENDLESS),
            *("--checks", "all", "--generation-deterministic", "--max-examples", EXAMPLES),
            *("--workers", "16"),  # so that waiting requests overlap
            *("--suppress-health-check", "too_slow"),  # measures this machine, not the server
            *("--report", "json", "--report-json-path", "report.json", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    counts = report["operations"]
    endless = len(described["paths"][ENDLESS])
    assert counts["total"] - endless == counts["tested"] == len(operations(described)) - endless
    assert not any(report["warnings"].values())
    rates = [rate for phases in report["valid_rates"].values() for rate in phases.values()]
    assert len(rates) > counts["total"]
    assert sum(rate["accepted"] for rate in rates) > 2 * counts["total"]
    assert not any(rate["rejected"] for rate in rates)
