"""Every request in the tables of the server's pages gets the answer that its row promises."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from server.models.base import PROMISES
from server.models.selection import load
from server.tables import MODELS, POLICIES
from tests.support.server_process import Client, Running, asking, running

ROOT = Path(__file__).resolve().parents[2]
COOKBOOK = (ROOT / "server" / "README.md").read_text()
LAB = (ROOT / "server" / "LAB.md").read_text()
ROWS = sorted(set(re.findall(r"`(curl [^`]*'localhost[^`]+)`", COOKBOOK + LAB)))


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running("--models", ",".join(MODELS), module="server") as process:
        yield process


def paths(command: str) -> list[str]:
    """List the paths that a curl command asks for, with its ranges of numbers spelled out."""
    requests = []
    for path in re.findall(r"'localhost:8080(/[^']+)'", command):
        pieces = re.split(r"\[(\d+)-(\d+)\]", path)
        ranges = [
            range(int(low), int(high) + 1)
            for low, high in zip(pieces[1::3], pieces[2::3], strict=True)
        ]
        for numbers in product(*ranges):
            texts = [str(number) for number in numbers] + [""]
            requests.append("".join(a + b for a, b in zip(pieces[::3], texts, strict=True)))
    return requests


def test_ranges_are_spelled_out() -> None:
    assert paths("curl -Z 'localhost:8080/a?b=[1-3]' 'localhost:8080/c'") == [
        *("/a?b=1", "/a?b=2", "/a?b=3"),
        "/c",
    ]


@pytest.mark.parametrize("command", ROWS)
async def test_row(command: str, client: Client) -> None:
    requests = paths(command)
    assert requests
    why = {name: model["why"] for name, model in (await client.ask("/")).json["models"].items()}
    for path in requests:
        answer = await client.ask(path)
        workload, model = path.partition("?")[0].strip("/").split("/")
        if why[model]:
            assert answer.status == 501
            assert why[model] in answer.error["message"]
        else:
            assert (answer.json["workload"], answer.json["model"]) == (workload, model)


def test_rows_were_found() -> None:
    assert len(ROWS) >= 12


@pytest.mark.parametrize("model", MODELS)
def test_the_table_of_promises_is_what_the_models_say(model: str) -> None:
    kept = load(model).promises.kept()
    marks = " | ".join("✓" if holds else "–" for holds in kept.values())
    assert f"| `{model}` | {marks} |" in COOKBOOK


def test_promises_and_policies_are_all_explained() -> None:
    for promise, meaning in PROMISES.items():
        assert f"- **{promise.replace('_', ' ')}**: {meaning}" in COOKBOOK
    assert all(f"| `{policy}`" in COOKBOOK for policy in POLICIES)


async def test_functions_of_your_own_run_as_shown(client: Client, tmp_path: Path) -> None:
    texts = re.findall(r"^```python\n(.*?)^```$", COOKBOOK, re.MULTILINE | re.DOTALL)
    modules = [tmp_path / f"shown{number}.py" for number in range(len(texts))]
    for module, text in zip(modules, texts, strict=True):
        stored = text.replace("shop.sqlite", str(tmp_path / "shop.sqlite"))
        module.write_text(stored.replace("http://127.0.0.1:8080", client.server.url))
    models = ("inline", "async", "thread-pool", "supervised-process-pool")
    own = ("--models", ",".join(models), *(f"--workloads={path}" for path in modules))
    with running(*own, module="server") as started:
        async with asking(started) as other:
            offered = (await other.ask("/")).json["workloads"]
            assert offered["double"]["parameters"]["id"]["varies"] == {
                "minimum": 1,
                "maximum": 5000,
            }
            for name, without in {
                "double": "async",
                "look_up": "async",
                "status": "inline",
            }.items():
                assert offered[name]["models"] == [model for model in models if model != without]
                for model in offered[name]["models"]:
                    answer = await other.ask(f"/{name}/{model}")
                    assert answer.status == 200, answer.text
