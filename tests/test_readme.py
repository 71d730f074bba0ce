"""The README is true: its commands exist, its answers are the server's, its tables complete."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.__main__ import parser
from tests.running import Running, asking, running

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
CURLS = re.findall(
    r"^\$ curl 'localhost:8080(\S+)'\n(\{\n.*?^\}\n)", README, re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(module="server") as one:
        yield one


def shape(value: Any) -> Any:
    """Keep what must be the same in every answer: keys, words, and results."""
    if isinstance(value, dict):
        keep = {"result", "error", "workload", "model"}
        return {key: one if key in keep else shape(one) for key, one in value.items()}
    return type(value)


@pytest.mark.parametrize(("path", "shown"), CURLS)
async def test_answers_are_as_shown(path: str, shown: str, server: Running) -> None:
    async with asking(server) as client:
        answer = await client.ask(path)
    assert shape(answer.json) == shape(json.loads(shown))


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("scripts/")])
def test_scripts_are_there_and_understand_their_options(command: str) -> None:
    script, *options = command.replace("'", "").split()
    assert os.access(ROOT / script, os.X_OK)
    if script == "scripts/survive":
        parser().parse_args(["survive", *options])


async def test_models_and_workloads_are_all_named(server: Running) -> None:
    async with asking(server) as client:
        found = (await client.ask("/")).json
    names = set(re.findall(r"`([a-z0-9-]+)`", README))
    assert names >= found["models"].keys() | found["workloads"].keys()


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert "loadtests/RESULTS.md" in links
    assert all((ROOT / link).is_file() for link in links)


async def test_the_results_name_every_model(server: Running) -> None:
    async with asking(server) as client:
        models = (await client.ask("/")).json["models"]
    results = (ROOT / "loadtests" / "RESULTS.md").read_text()
    assert all(f"| {model} |" in results and f"| `{model}` |" in results for model in models)


def test_examples_were_found() -> None:
    assert len(CURLS) >= 2
    assert len(COMMANDS) >= 8
