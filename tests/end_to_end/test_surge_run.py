"""`python -m loadtests surge` end to end, with short phases: its files, figures and refusals."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.loadtests.ui.test_users import LOCUST
from tests.support.cli import Ended, begun, gone, run, soon
from tests.support.server_process import running

SURGE = ("loadtests", "surge", "--workload", "sleep", "--model", "thread-pool")
SHORT = ("--phases", "1s,1s,1s", "--param", "sleep.ms=20", "--threads", "2")
POLICIES = ["unbounded", "bounded"]
SVG = "{http://www.w3.org/2000/svg}"

pytestmark = pytest.mark.usefixtures("database")


@dataclass(frozen=True, slots=True)
class Surged:
    ended: Ended
    folder: Path
    lines: list[dict[str, Any]]
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def surged(database: None, tmp_path_factory: pytest.TempPathFactory) -> Surged:
    folder = tmp_path_factory.mktemp("runs") / "new" / "surge"
    words = ("--admission", ",".join(POLICIES), "--seed", "3", "--output", str(folder))
    ended = run(*SURGE, *SHORT, *words)
    assert ended.code in {0, 3}, ended.err  # 3 where this machine made the generator late
    assert ended.err == ""
    lines = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]
    return Surged(ended, folder, lines, json.loads((folder / "summary.json").read_text()))


def test_the_run_file_has_each_policy_in_order(surged: Surged) -> None:
    kinds = [line["line"] for line in surged.lines]
    assert kinds == ["run", "capacity", *["policy-start", "policy"] * 2, "end"]
    first, capacity = surged.lines[:2]
    assert (first["schema"], first["mode"], first["seed"]) == (2, "surge", 3)
    assert first["environment"]["server"]["threads"] == 2
    assert first["command"] == (
        "scripts/surge --workload sleep --model thread-pool --admission unbounded,bounded "
        "--slo 'p99<250ms' --param sleep.ms=20 --seed 3 --threads=2 --phases 1s,1s,1s"
    )
    assert 0 < capacity["capacity"] <= 2 / 0.02
    assert capacity["target_s"] == 0.15
    assert [line["policy"] for line in surged.lines if line["line"] == "policy"] == POLICIES
    assert surged.lines[-1]["exit"] == surged.ended.code


def test_the_figures_agree_with_each_other(surged: Surged) -> None:
    capacity = surged.summary["capacity"]
    for policy in surged.summary["policies"]:
        assert [phase["name"] for phase in policy["phases"]] == ["before", "surge", "after"]
        assert [phase["duration_s"] for phase in policy["phases"]] == [1, 1, 1]
        rates = [phase["offered"] / capacity for phase in policy["phases"]]
        assert rates == pytest.approx([0.5, 2.5, 0.5])
        for phase in policy["phases"]:
            counts = phase["counts"]
            assert counts["offered"] == round(phase["offered"] * phase["duration_s"])
            assert counts["offered"] == sum(counts.values()) - counts["offered"]
            assert phase["goodput"] == counts["good"] / phase["duration_s"]
        for name, counts in policy["series"].items():
            assert len(counts) == 3
            assert sum(counts) == sum(phase["counts"][name] for phase in policy["phases"])
    unbounded, bounded = surged.summary["policies"]
    assert (unbounded["queue"], bounded["queue"]) == (
        None,
        int(capacity * surged.summary["target_s"]),
    )
    assert [phase["counts"]["refused"] for phase in unbounded["phases"]] == [0, 0, 0]
    # On a busy machine, the probe may measure so little that even the surge can be answered.
    surge = bounded["phases"][1]
    answered = surge["goodput"] > 1.25 * capacity
    assert surge["counts"]["refused"] > 0 or answered or bounded["flaws"], bounded
    first, second = (
        [phase["counts"]["offered"] for phase in policy["phases"]]
        for policy in (unbounded, bounded)
    )
    assert first == second, "the same seed, the same arrivals"


def test_the_terminal_and_markdown_show_the_table_and_the_sentences(surged: Surged) -> None:
    out, markdown = surged.ended.out, (surged.folder / "summary.md").read_text()
    assert out.startswith("sleep under thread-pool: unbounded, bounded; about ")
    for number, policy in enumerate(POLICIES, start=1):
        assert re.search(rf"\[{number}/2\] {policy}: [▁▂▃▄▅▆▇█·]{{3}}(; about .+)?\n", out)
        assert re.search(rf"^\| {policy} \| ", markdown, re.MULTILINE)
    assert f"The queue of bounded holds {surged.summary['policies'][1]['queue']}: " in out
    assert len(surged.summary["sentences"]) == 2
    for sentence in surged.summary["sentences"]:
        assert sentence in " ".join(out.split()), "it may be wrapped"
        assert sentence.replace("<", "&lt;") in markdown
    assert surged.lines[0]["command"] in markdown
    assert f"Results: {surged.folder}" in out
    assert f"Report: {surged.folder / 'report.html'}" in "".join(out.split("\n"))


def test_the_picture_has_a_panel_for_each_policy_and_a_text_alternative(surged: Surged) -> None:
    root = ElementTree.fromstring((surged.folder / "surge.svg").read_text())
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    for policy in POLICIES:
        assert any(word.startswith(f"{policy}: ") for word in words)
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "Goodput of sleep under thread-pool through a surge, within p99<250ms"
    assert desc is not None
    assert all(sentence in (desc.text or "") for sentence in surged.summary["sentences"])
    style = root.find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme: dark" in (style.text or "")


def test_a_report_writes_and_shows_the_same_again(surged: Surged) -> None:
    before = {path.name: path.read_bytes() for path in surged.folder.iterdir()}
    (surged.folder / "surge.svg").unlink()
    ended = run("loadtests", "report", str(surged.folder))
    assert (ended.code, ended.err) == (0, "")
    assert surged.ended.out.endswith(ended.out)
    assert {path.name: path.read_bytes() for path in surged.folder.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--admission", "fifo"), "unknown admission policy 'fifo'; did you mean 'lifo'?"),
        (("--phases", "5s"), "invalid phases '5s': expected three durations"),
        (("--workload", "sleep,noop"), "invalid workload 'sleep,noop'"),
        (("--param", "sleep.ms=-1"), "GET /sleep/thread-pool?ms=-1 answers 422"),
        (("--param", "noop.ms=5"), "--param noop.… has no effect on sleep"),
    ],
)
def test_wrong_usage_ends_with_2_and_leaves_nothing(
    options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    ended = run(*SURGE, *options, directory=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_a_surge_and_all_its_processes(tmp_path: Path) -> None:
    with begun(tmp_path, *SURGE, *SHORT, "--output", str(tmp_path / "run")) as command:
        file = tmp_path / "run" / "run.jsonl"
        soon(lambda: file.exists() and '"policy-start"' in file.read_text())
        soon(lambda: len(command.below()) > 1)
        processes = command.below()
        assert command.press_ctrl_c() == 130
        soon(lambda: gone(processes))
        assert "Stopped. These are the results so far:" in command.out()
        assert command.err() == ""


def test_the_scenario_in_locust_offers_it_to_a_running_service(tmp_path: Path) -> None:
    cell = ("--workloads", "sleep", "--models", "thread-pool", "--param", "sleep.ms=20")
    options = ("--models", "thread-pool", "--threads", "2", "--admission", "bounded")
    with running(*options, module="server") as server:
        words = ("--scenario", "surge", *SHORT[:2], "--json-file", str(tmp_path / "rows"))
        ended = run(*LOCUST, "--host", server.url, "-u", "1", *cell, *words)
    assert ended.code in {0, 1, 3}, ended.err  # 1: Locust's own, where some request was lost
    capacity = re.search(r"sleep/thread-pool sustains about ([\d.]+) req/s", ended.err)
    assert capacity, ended.err
    assert "sleep/thread-pool: bounded: during the surge, " in ended.err
    assert "Traceback" not in ended.err
    rows = {row["name"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert rows.keys() == {"sleep/thread-pool"}
    assert rows["sleep/thread-pool"]["num_requests"] > float(capacity[1])
