"""Several processes offer what one would, one of them may die, and a survival run can have them.

The service is in this process: it sees every request that comes, and answers as told.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
import psutil
import pytest

from loadtests.load.result import LoadResult
from loadtests.load.source import InProcess
from loadtests.load.spec import LoadSpec
from loadtests.trial.trial import Trial
from tests.support.cli import Begun, begun, free_port, gone, run, soon
from tests.support.scripted_service import Scripted, scripted
from tests.support.server_process import PATIENCE_S
from tests.support.short_load import RATE, SETTLE_S, answer, order, starts

LOCUST = ("locust", "-f", "tests/support/locustfile.py", "--headless")
ALL = {"/fine": 108, "/health": 73}  # requests of one order, settling included


def port() -> tuple[str, ...]:
    number = str(free_port())
    return "--master-bind-host", "127.0.0.1", "--master-bind-port", number, "--master-port", number


def came(service: Scripted) -> Counter[str]:
    return Counter(head.split()[1] for head in service.heads)


def alone(spec: LoadSpec) -> LoadResult:
    """Let this process offer the whole of it."""
    source = InProcess()
    try:
        return source.offer(spec)
    finally:
        source.rest()


def over(command: Begun) -> None:
    """Wait for its end while the service goes on."""
    with gevent.Timeout(PATIENCE_S):
        while command.running():
            gevent.sleep(0.02)


def results(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def workers(command: Begun) -> list[psutil.Process]:
    """Find those that Locust has forked: they have no children."""
    return [process for process in command.below() if not process.children()]


@pytest.mark.measures
def test_two_processes_offer_what_one_does_and_one_goes_on_alone(tmp_path: Path) -> None:
    with scripted(answer) as service:
        spec = order(service.url, "/fine")
        single = alone(spec)
        trial = Trial.of(("work", "any"), spec, single)
        assert (trial.work.scheduled, trial.work.ok, trial.bystander.ok) == (90, 90, 61)
        assert (trial.short, trial.drained, trial.duration_s) == (False, True, 1.0)
        assert (trial.rate, trial.settle_s, trial.completed) == (RATE, SETTLE_S, ALL["/fine"])
        assert came(service) == ALL
        service.heads.clear()
        paths = ("--paths", "/fine", "/wrong", "/killed", "/after")
        file = tmp_path / "said"
        options = ("--host", service.url, *paths, "--results", str(file), *port())
        with begun(tmp_path, *LOCUST, "--processes", "2", *options) as command:
            with gevent.Timeout(PATIENCE_S):
                while "/killed" not in came(service):
                    gevent.sleep(0.01)
            workers(command)[0].kill()
            processes = command.below()
            over(command)
        assert gone(processes)
    fine, wrong, killed, after = results(file)
    assert fine["intended"] == [starts(stream) for stream in single.streams]
    assert fine["outcomes"] == [{"ok": ALL["/fine"]}, {"ok": ALL["/health"]}]
    assert fine["completed"] == ALL["/fine"]
    assert came(service)["/fine"] == came(service)["/after"] == ALL["/fine"]

    assert wrong["early"]
    assert wrong["reached_s"] < 1
    assert "wrong" in wrong["outcomes"][0]
    assert wrong["completed"] == 0
    assert came(service)["/wrong"] < ALL["/fine"]

    [void] = [
        reason for reason in killed["reasons"] if "scheduled work requests were sent" in reason
    ]
    assert void.startswith(f"Only {RATE / 2:.0f} of {RATE:.0f} ")
    assert killed["outcomes"][0]["unsent"] == killed["completed"] == ALL["/fine"] / 2
    assert killed["intended"] == after["intended"] == fine["intended"]
    assert after["outcomes"] == fine["outcomes"]


@pytest.mark.usefixtures("database")
def test_a_survival_run_takes_several_generators_and_ctrl_c_ends_them(tmp_path: Path) -> None:
    file, words = tmp_path / "run" / "run.jsonl", ("--generators", "2", "--output")
    cell = ("--workloads", "sleep", "--models", "inline", "--param", "sleep.ms=10")
    survive = ("loadtests", "survive", *cell, *words, str(file.parent))
    with begun(tmp_path, *survive) as command:
        soon(lambda: file.exists() and '"line": "trial"' in file.read_text())
        processes = command.below()
        assert len(processes) >= 4, "Locust, two workers of it, and a server"
        assert command.press_ctrl_c() == 130
        soon(lambda: gone(processes))
        assert command.err() == ""
    lines = results(file)
    trial = next(line for line in lines if line["line"] == "trial")
    assert lines[0]["options"]["generators"] == 2
    assert trial["short"] or trial["work"]["scheduled"] == round(
        trial["rate"] * trial["duration_s"]
    )
    assert "--generators 2" in (file.parent / "summary.md").read_text()


def test_how_many_generators_is_checked() -> None:
    for wrong in ("0", "two", "65"):
        ended = run("loadtests", "survive", "--generators", wrong)
        assert ended.code == 2
        assert f"invalid number of processes '{wrong}': expected 1 to 64" in ended.err
