"""What other programs read has a published schema, which knows each of its fields."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from loadtests.cause.claim import Claim
from loadtests.cause.guilty import Guilty
from loadtests.cause.remedy import Remedy
from loadtests.machine.environment import environment
from loadtests.paths import ROOT
from loadtests.report.compare import json as compare_json
from loadtests.report.summary import summarize
from loadtests.report.survival import json as summary_json
from loadtests.run.beyond.drift import Drift
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Run, encode
from tests.loadtests.report import test_at_load
from tests.loadtests.report.test_sections import BEYOND, CELLS, COMPARED, PROOF, TWICE, WITNESS
from tests.support.compared_runs import compared, run_of, simulated
from tests.support.run_files import (
    FULL,
    FULL_RESULTS,
    SEVERAL_FIRST,
    SEVERAL_RESULTS,
    plan,
    result,
    write,
)

PUBLISHED = sorted(file.parent for file in (ROOT / "loadtests/published/runs").glob("*/run.jsonl"))
PROVEN = {**PROOF, **encode(Claim(stands=True, measured=(1.8, 2.2), sentence="As predicted."))}
LIMITED = result("primes", "hybrid", 900, None, goals={"p95<250ms": [990, 980, None]})
EVERYTHING = [
    plan(CELLS, environment=environment()),
    *(result(*cell, 50, 55, witness=WITNESS, goals={"p95<250ms": [53, 52, 54]}) for cell in CELLS),
    {**COMPARED, "speed": [0.934, 1.21], "again": TWICE},
    *(LIMITED, *BEYOND, PROVEN),
]
SAMPLES = {
    "full": FULL,
    "several Pythons": [SEVERAL_FIRST, *SEVERAL_RESULTS],
    "every section": EVERYTHING,
    "at a load": test_at_load.LINES,
    "begun": [plan([("sleep", "inline")])],
}


def schema_of(module: Any) -> Any:
    name = {summary_json: "summary", compare_json: "comparison"}[module]
    return json.loads(Path(module.__file__).with_name(f"{name}.schema.json").read_text("utf-8"))


SUMMARY, COMPARISON = schema_of(summary_json), schema_of(compare_json)


def errors(schema: Any, document: Any) -> list[str]:
    document = json.loads(json.dumps(document, allow_nan=False))
    known = jsonschema_rs.validator_for(schema)
    return [f"{error.instance_path}: {error.message:.200}" for error in known.iter_errors(document)]


def properties(schema: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each property of a schema, with its place."""
    if isinstance(schema, dict):
        for name, known in schema.get("properties", {}).items():
            yield f"{place}.{name}", known
        for name, part in schema.items():
            yield from properties(part, place if name == "properties" else f"{place}.{name}")


@pytest.fixture(params=[*SAMPLES, *PUBLISHED], ids=str)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    if isinstance(request.param, Path):
        return read(request.param)
    return read(write(tmp_path / "run.jsonl", SAMPLES[request.param]))


def test_summaries_have_what_their_schema_says_and_nothing_else(run: Run) -> None:
    assert errors(SUMMARY, summary_json.as_json(summarize(run))) == []


def test_comparisons_have_what_their_schema_says_and_nothing_else() -> None:
    full = run_of(*FULL_RESULTS)
    slower, faster = (run_of(*lines) for lines in simulated(Random(3), 8))
    for comparison in (
        compared(full, full),
        compared(full, run_of(*FULL_RESULTS[:3], slo="p95<1s"), full),
        compared(slower, faster, tolerance=0.1),
    ):
        assert errors(COMPARISON, compare_json.as_json(comparison)) == []


@pytest.mark.parametrize("schema", [SUMMARY, COMPARISON], ids=["summary", "comparison"])
def test_a_schema_is_valid_and_explains_every_field(schema: Any) -> None:
    jsonschema_rs.meta.validate(schema)
    listed = dict(properties(schema))
    assert len(listed) > 30
    assert [
        place for place, known in listed.items() if not known.keys() & {"description", "$ref"}
    ] == []
    assert schema["$id"].startswith("urn:loadbearing:")


def test_a_schema_has_the_version_of_its_documents() -> None:
    for module, schema in ((summary_json, SUMMARY), (compare_json, COMPARISON)):
        version = module.SCHEMA
        assert schema["properties"]["schema"]["const"] == version
        assert schema["$id"].endswith(f":{version}")


def test_fields_of_values_are_the_properties_of_the_schema() -> None:
    cell = SUMMARY["properties"]["cells"]["items"]["properties"]
    soak = cell["beyond"]["properties"]["soak"]["properties"]
    for kinds, known, more in (
        ((Guilty,), cell["guilty"], {"rate", "reason", "advice"}),
        ((Remedy, Claim), cell["proof"], {"reason"}),
        ((Drift,), soak["drift"]["additionalProperties"], set()),
    ):
        names = {item.name for values in kinds for item in fields(values)}
        assert known["properties"].keys() == names | more


@pytest.mark.parametrize(
    "place",
    [(), ("cells", 0), ("cells", 1, "at_load"), ("verdicts", 0), ("sections", 0), ("environment",)],
    ids=str,
)
def test_a_field_that_the_schema_does_not_know_is_an_error(
    place: tuple[str | int, ...], tmp_path: Path
) -> None:
    lines = SAMPLES["at a load"]
    document = summary_json.as_json(summarize(read(write(tmp_path / "run.jsonl", lines))))
    assert errors(SUMMARY, document) == []
    part: Any = document
    for step in place:
        part = part[step]
    part["unheard_of"] = 1
    [error] = errors(SUMMARY, document)
    assert "unheard_of" in error or "anyOf" in error or "oneOf" in error
