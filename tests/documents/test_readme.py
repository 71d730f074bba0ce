"""The README is true: its commands exist, its answers are the server's, its tables complete."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.__main__ import parser
from tests.support.server_process import Running, asking, running

ROOT = Path(__file__).resolve().parents[2]
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


def rows(title: str) -> list[tuple[str, str]]:
    """Read the table below a title: what its cells say."""
    below = README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (`.+?) \| (.+?) \|$", below, re.MULTILINE)


async def test_the_table_of_models_has_them_all_in_their_order(server: Running) -> None:
    async with asking(server) as client:
        models = (await client.ask("/")).json["models"]
    assert [name.strip("`") for name, _ in rows("Models")] == list(models)


async def test_the_table_of_workloads_has_them_all_by_their_kinds(server: Running) -> None:
    async with asking(server) as client:
        found = (await client.ask("/")).json["workloads"]
    kinds: dict[str, str] = {}
    for names, said in rows("Workloads"):
        word = said.partition(" ")[0].strip(":")
        kinds |= dict.fromkeys(names.replace("`", "").split(), word)
    words = {"io": "I/O", "cpu": "CPU", "mixed": "mixed"}
    free = {"echo", "noop"}  # neither waits nor computes
    assert kinds.keys() == found.keys()
    for name in kinds.keys() - free:
        assert kinds[name] == words[found[name]["kind"]], name


def test_how_it_measures_has_commands_to_be_run_from_the_checkout() -> None:
    text = (ROOT / "loadtests" / "README.md").read_text()
    commands = re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        program, *words = command.split()
        assert (program, words[0]) == (".venv/bin/python", "-m")
        if words[1] == "loadtests":
            parser().parse_args(words[2:])
        else:
            assert (ROOT / words[1].replace(".", "/")).with_suffix(".py").is_file()


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
