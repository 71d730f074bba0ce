"""`python -m loadtests survive` end to end: it measures a user's own code, reports, and stops."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.run.file.fold import read
from tests.support.cli import Begun, begun, gone, run, soon
from tests.support.resumed_run import CELLS, LABEL, MODELS, SURVIVE, Survived

CELL_KEYS = {
    *("workload", "model", "held", "broke", "interval", "ceiling", "predicted", "efficiency"),
    *("cause", "cause_evidence", "bystander_p99_ms", "cpu_ms_per_request", "pss_mib"),
    *("row", "state", "utilisation", "demand_s", "rounds", "witness"),
    *("trials", "discarded", "unavailable", "error"),
}

pytestmark = pytest.mark.usefixtures("database")


def test_the_run_file_tells_the_run_from_its_first_to_its_last_line(survived: Survived) -> None:
    first, last = survived.lines[0], survived.lines[-1]
    assert (first["line"], first["schema"], first["options"]["seed"]) == ("run", 2, 4)
    plan = read(survived.folder).plan
    assert (str(plan.slo), plan.mode) == ("p99<250ms", "quick")
    assert first["constants"]["overload"] == list(plan.constants.overload)
    assert {name: value for name, value in plan.arguments.items() if value} == {
        "workloads": ["./mine.py"],
        "models": list(MODELS),
        "param": ["nap.ms=10"],
        "beyond": ["faults=1s"],
        "start_method": "fork",
        "switch_interval": "1ms",
        "server_python": [sys.executable],
        "autopsy": "none",
    }
    assert first["environment"]["server"]["loop"] == "uvloop"
    assert first["environment"]["server"]["switch_interval_s"] == 0.001
    assert (last["line"], last["exit"], last["reason"]) == ("end", 0, None)
    assert {line["model"] for line in survived.lines if line["line"] == "cell"} == {*MODELS}
    assert [line["at"] for line in survived.lines[1:]] == sorted(
        line["at"] for line in survived.lines[1:]
    )


def test_every_trial_is_told_with_its_verdict(survived: Survived) -> None:
    trials = [line for line in survived.lines if line["line"] == "trial"]
    for trial in trials:
        assert trial["work"]["scheduled"] > 0
        assert trial["held"] == (trial["valid"] and not trial["reasons"])
    for model in ("inline", "process-pool"):
        cell = survived.cell(model)
        rates = [trial["rate"] for trial in survived.trials(model, valid=True)]
        assert 0.5 * min(rates) < cell["held"] < cell["broke"] < 1.5 * max(rates)
        assert all(witness["requests"] > 0 for witness in cell["witness"])


def test_the_summary_has_what_other_tools_read(survived: Survived) -> None:
    assert survived.summary.keys() >= {
        *("schema", "environment", "slo", "cells", "verdicts", "warnings")
    }
    assert [cell["model"] for cell in survived.summary["cells"]] == list(MODELS)
    assert all(cell.keys() >= CELL_KEYS for cell in survived.summary["cells"])
    for cell in survived.summary["cells"][:2]:
        assert 0 < cell["held"] < cell["broke"]
        assert cell["interval"] == [cell["held"], cell["broke"]]
        assert cell["held"] < cell["capacity"] < cell["broke"]
        assert (cell["state"], cell["error"]) == ("measured", None)
        assert cell["utilisation"] < 1
        assert cell["demand_s"] > 0.01, "it sleeps for 10 ms"
        assert (cell["workload"], cell["python"], cell["unavailable"]) == ("nap", LABEL, None)
        assert cell["cpu_ms_per_request"] > 0
        assert cell["bystander_p99_ms"] > 0
    assert survived.cell("async")["state"] == "unavailable"
    assert "async version" in survived.cell("async")["unavailable"]
    assert read(survived.folder).end is not None
    environment = survived.summary["environment"]
    assert environment["servers"] == {LABEL: environment["server"]}
    assert environment["server"]["start_method"] == "fork"
    [forked] = [line for line in survived.summary["warnings"] if "fork" in line]
    assert forked.startswith(f"The server on {LABEL}: ")


def test_two_processes_sustain_more_than_a_blocked_loop(survived: Survived) -> None:
    assert survived.cell("inline")["held"] < 100, "each request blocks the loop for 10 ms"
    assert survived.cell("inline")["held"] < survived.cell("process-pool")["held"]
    [verdict] = survived.summary["verdicts"]
    assert (verdict["workload"], verdict["pick"]) == ("nap", f"process-pool · {LABEL}")
    assert verdict["ties"] == [verdict["pick"]]
    value, low, high = verdict["ratio"]
    assert 1 < low < value < high


def test_beyond_the_peak_there_are_figures_or_a_reason(survived: Survived) -> None:
    why = survived.cell("inline")["beyond"]["faults"]["reason"]
    faults = survived.cell("process-pool")["beyond"]["faults"]
    assert faults.get("kills") == 1 or "no valid load in" in faults["reason"]
    assert "which has no worker processes" in why
    assert why in survived.ended.out


def test_the_terminal_shows_the_matrix_and_the_answer_last(survived: Survived) -> None:
    out = survived.ended.out
    assert "Highest load that meets p99<250ms (requests per second), quick run" in out
    assert all(f"nap / {model} · {LABEL}: " in out for model in MODELS[1:])
    assert f"async · {LABEL}" in out
    assert "[3/3]" in out
    assert "★" in out
    [verdict] = survived.summary["verdicts"]
    assert verdict["pick"] in out[out.rindex("\nnap ") :]
    assert f"Report: {survived.folder / 'report.html'}" in "".join(out.split("\n"))


def test_the_other_files_and_the_report_say_the_same(survived: Survived) -> None:
    [verdict] = survived.summary["verdicts"]
    markdown = survived.folder / "summary.md"
    text = markdown.read_text()
    command = ("./mine.py", "--param nap.ms=10", f"--server-python {sys.executable}")
    assert all(words in text for words in (verdict["sentence"], *command))
    assert "<svg" in (survived.folder / "survival.svg").read_text()
    markdown.unlink()
    ended = run("loadtests", "report", str(survived.folder))
    assert (ended.code, ended.err) == (0, "")
    assert survived.ended.out.endswith(ended.out)
    assert verdict["sentence"] in markdown.read_text()


def test_a_folder_that_holds_a_run_is_left_alone(survived: Survived, home: Path) -> None:
    before = (survived.folder / "run.jsonl").read_bytes()
    ended = run(*SURVIVE, *CELLS, "--output", str(survived.folder), directory=home)
    assert (ended.code, ended.out) == (2, "")
    assert f"{survived.folder} holds a run that was begun with --seed 4 (now 1)" in ended.err
    assert (survived.folder / "run.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("survive", "--host", "localhost"), "'localhost' is not the address of a service"),
        (("survive", "--host", "http://127.0.0.1:1"), "nothing answers at http://127.0.0.1:1"),
        (("survive", "--workloads", "./broken.py"), "broken.py:1: the import failed: ModuleNot"),
        (("survive", "--output", "broken.py"), "broken.py is a file; --output takes a folder"),
        (("survive", "--output", "broken.py/x"), "broken.py is a file; --output takes a folder"),
        (("up", "--port", "0", "--workloads", "slep"), "unknown workload 'slep'; did you mean"),
        (("report", "/no/such/folder"), "/no/such/folder does not exist"),
        (("report", "broken.py"), "broken.py is not a folder; name the folder of a run"),
    ],
)
def test_wrong_usage_ends_with_2_and_leaves_nothing(
    options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("import nothing_like_it\n")
    ended = run("loadtests", *options, directory=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"broken.py"}


def test_no_round_begins_when_the_budget_is_spent(tmp_path: Path) -> None:
    cells = ("--workloads", "noop", "--models", "inline,async")
    ended = run(*SURVIVE, *cells, "--budget", "1s", "--output", str(tmp_path / "run"))
    assert ended.code == 3, "nothing was measured"
    measured = read(tmp_path / "run")
    assert not measured.trials
    for result in measured.results.values():
        assert (result.state, result.capacity) == ("unfinished", None)
        assert str(result.error).startswith("not measured: the budget of 1 s was spent; repeat")
    assert "the budget of 1 s was spent" in ended.out


@pytest.fixture
def measuring(tmp_path: Path) -> Iterator[tuple[Begun, Path]]:
    cells = ("--workloads", "sleep", "--models", "inline")
    words = (*SURVIVE, *cells, "--output", str(tmp_path / "run"), "--json")
    with begun(tmp_path, *words) as command:
        yield command, tmp_path / "run"


@pytest.mark.measures
def test_ctrl_c_ends_a_run_and_all_its_processes(measuring: tuple[Begun, Path]) -> None:
    command, folder = measuring
    file = folder / "run.jsonl"
    soon(lambda: file.exists() and '"line": "workload-start"' in file.read_text())
    soon(lambda: len(command.below()) > 1)  # Locust, its server, and what that has started
    processes = command.below()
    assert command.press_ctrl_c() == 130
    soon(lambda: gone(processes))
    assert "Stopped. These are the results so far" in command.err()
    assert f"(to resume: scripts/survive --retry {folder}):" in command.err()
    assert command.out() == (folder / "summary.json").read_text()
    assert json.loads(command.out())["cells"]
    assert read(folder).plan.seed == 1
