"""The pages are true: their commands exist, answers are the server's, tables are complete."""

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.commands.parser import parser
from server.tables import MODELS
from tests.support.server_process import Client, Running, asking, running

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    page: (ROOT / page).read_text()
    for page in (
        *("README.md", "server/README.md", "server/LAB.md"),
        *("loadtests/README.md", "loadtests/RESULTS.md", "loadtests/IN_CI.md"),
        "loadtests/YOUR_SERVICE.md",
    )
}
README = PAGES["README.md"]
# In a console, in a block of its own, or in a sentence or a table.
COMMAND = re.compile(
    r"^\$ (.+)$|^(scripts/.+)$|`((?:scripts/|\.venv/bin/python )[^`\n]+)`", re.MULTILINE
)
COMMANDS = sorted({"".join(groups) for text in PAGES.values() for groups in COMMAND.findall(text)})
MODULES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
OURS = {"survive", "up", "report", "compare"}  # scripts of the command line
CURLS = re.findall(
    r"^\$ curl 'localhost:8080(\S+)'\n(\{\n.*?^\}\n)", README, re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(module="server") as started:
        yield started


@pytest.fixture
async def discovery(client: Client) -> dict[str, Any]:
    """Return what the server says that it has."""
    answer: dict[str, Any] = (await client.ask("/")).json
    return answer


def shape(value: Any) -> Any:
    """Keep what must be the same in every answer: keys, words, and results."""
    if isinstance(value, dict):
        keep = {"result", "error", "workload", "model"}
        return {key: part if key in keep else shape(part) for key, part in value.items()}
    return type(value)


@pytest.mark.parametrize(("path", "shown"), CURLS)
async def test_answers_are_as_shown(path: str, shown: str, client: Client) -> None:
    answer = await client.ask(path)
    assert shape(answer.json) == shape(json.loads(shown))


@pytest.mark.parametrize("command", [line for line in COMMANDS if "curl" not in line])
def test_commands_exist_and_understand_their_options(command: str) -> None:
    program, *words = shlex.split(command)
    if program == ".venv/bin/python":
        assert words[0] == "-m"
        if words[1] == "loadtests":
            parser().parse_args(words[2:])
        else:
            module = ROOT / words[1].replace(".", "/")
            assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()
    else:
        assert os.access(ROOT / program, os.X_OK)
        name = program.removeprefix("scripts/")
        if name in OURS:
            parser().parse_args([name, *words])


STEPS = [
    step
    for text in re.findall(
        r"^```yaml\n(.*?)^```$", PAGES["loadtests/IN_CI.md"], re.MULTILINE | re.DOTALL
    )
    for job in yaml.safe_load(text)["jobs"].values()
    for step in job["steps"]
]


def test_steps_of_workflows_give_the_action_what_it_takes() -> None:
    place = ".github/actions/loadbearing"
    action = yaml.safe_load((ROOT / place / "action.yml").read_text())
    ours = [step for step in STEPS if place in step.get("uses", "")]
    assert len(ours) == 2
    for step in ours:
        assert step["uses"] == f"OWNER/loadbearing/{place}@main"
        assert step["with"].keys() <= action["inputs"].keys()
        words = shlex.split(step["with"]["arguments"], comments=True)
        parser().parse_args(["survive", *words])
    used = re.findall(r"steps\.measured\.outputs\.([\w-]+)", str(STEPS))
    assert used
    assert set(used) <= action["outputs"].keys()


def test_what_you_write_is_measured_by_options_that_exist() -> None:
    table = README.partition("| you write | it measures |")[2].partition("\n\n")[0]
    options = re.findall(r"\| `(--[^`]+)` \|$", table, re.MULTILINE)
    assert len(options) == len(table.strip().splitlines()) - 1
    for words in options:
        models = parser().parse_args(["survive", *words.split()])
        assert set(getattr(models, "models", ())) <= {*MODELS}


async def test_functions_of_your_own_run_as_shown(tmp_path: Path) -> None:
    modules = [tmp_path / f"shown{number}.py" for number in range(len(MODULES))]
    for module, text in zip(modules, MODULES, strict=True):
        module.write_text(text.replace("shop.sqlite", str(tmp_path / "shop.sqlite")))
    options = ("--models", "inline,async,thread-pool", *(f"--workloads={path}" for path in modules))
    with running(*options, module="server") as started:
        async with asking(started) as client:
            offered = (await client.ask("/")).json["workloads"]
            ours = {name: entry for name, entry in offered.items() if ".py" in entry["source"]}
            assert {name: entry["models"] for name, entry in ours.items()} == {
                "checksum": ["inline", "thread-pool"],
                "spent": ["inline", "thread-pool"],
            }
            for name, entry in ours.items():
                for model in entry["models"]:
                    assert (await client.ask(f"/{name}/{model}")).json["result"].keys()


def test_models_and_workloads_are_all_named(discovery: dict[str, Any]) -> None:
    names = set(re.findall(r"`([a-z0-9-]+)`", README))
    assert names >= discovery["models"].keys() | discovery["workloads"].keys()


def rows(title: str) -> list[tuple[str, str]]:
    """Read the table below a title: what its cells say."""
    below = README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (`.+?) \| (.+?) \|$", below, re.MULTILINE)


def test_the_table_of_models_has_them_all_in_their_order(discovery: dict[str, Any]) -> None:
    assert [name.strip("`") for name, _ in rows("Models")] == list(discovery["models"])


def test_the_table_of_workloads_has_them_all_by_their_kinds(discovery: dict[str, Any]) -> None:
    workloads = discovery["workloads"]
    kinds: dict[str, str] = {}
    for names, text in rows("Workloads"):
        word = text.partition(" ")[0].strip(":")
        kinds |= dict.fromkeys(names.replace("`", "").split(), word)
    words = {"io": "I/O", "cpu": "CPU", "mixed": "mixed"}
    free = {"echo", "noop"}  # neither waits nor computes
    assert kinds.keys() == workloads.keys()
    for name in kinds.keys() - free:
        assert kinds[name] == words[workloads[name]["kind"]], name


def anchors(page: str) -> set[str]:
    """Name the sections of a page as links do."""
    titles = re.findall(r"^#+ (.+)$", PAGES[page], re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_sections(page: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", PAGES[page])
    assert links
    for file, section in links:
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.is_file(), file
        name = os.path.relpath(target, ROOT)
        assert not section or section in anchors(name), section


def test_the_results_name_every_model(discovery: dict[str, Any]) -> None:
    results = PAGES["loadtests/RESULTS.md"]
    for model in discovery["models"]:
        assert f"| {model} |" in results
        assert f"| `{model}` |" in results


def test_the_findings_quote_figures_of_the_runs_below_them() -> None:
    results = PAGES["loadtests/RESULTS.md"].partition("\n## Findings\n")[2]
    findings, _, runs = results.partition("\n## ")
    figures = re.findall(r"\d+–\d+|\d+(?:\.\d+)?/s", findings)
    assert len(figures) >= 15
    assert [figure for figure in figures if figure not in runs] == []


def test_readme_is_short() -> None:
    text = re.sub(r"```.*?```|<!-- generated.*?<!-- end -->", "", README, flags=re.DOTALL)
    prose = [line for line in text.splitlines() if not line.startswith(("|", "!"))]
    assert len(" ".join(prose).split()) <= 650


def test_examples_were_found() -> None:
    assert len(CURLS) >= 2
    assert len(MODULES) == 2
    assert len(COMMANDS) >= 30
