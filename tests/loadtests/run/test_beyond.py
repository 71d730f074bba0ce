"""Trials beyond the peak on real servers: each reports its figures, or why it has none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests.cell import Cell
from loadtests.load.source import InProcess
from loadtests.machine.disturbances import MachineState
from loadtests.machine.sentinel import Sentinel
from loadtests.run.beyond import faults, overload, surge
from loadtests.run.beyond.kinds import KINDS
from loadtests.run.beyond.lab import Peak, PeakLab
from loadtests.run.beyond.run import beyond
from loadtests.run.options import Options
from loadtests.service.contract import Discovery
from loadtests.service.launcher import Launcher
from loadtests.service.options import ServerOptions
from loadtests.service.sampler import sample
from loadtests.trial import cell_load

pytestmark = pytest.mark.usefixtures("database")

CELL = Cell("sleep", "inline")
MEASURED = {"state": "measured", "interval": [40.0, 38.0, 42.0], "peak_goodput": 40.0}
POLICY = ServerOptions({"admission": "bounded"})  # a surge would try all of them
OPTIONS = Options(
    workloads=("sleep",), models=("inline",), parameters={"sleep": {"ms": "20"}}, servers=POLICY
)
QUIET = MachineState()
SPINNING = "from time import process_time\nwhile process_time() < 0.5: pass"


class Machine(Sentinel):
    """A machine in one state after the other, the last of them for good, with a worker that ends.

    `own_cpu_s` are the CPU seconds that were declared as our own.
    """

    def __init__(self, *states: MachineState, worker: str = "") -> None:
        super().__init__()
        self.states, self.worker = list(states), worker
        self.own_cpu_s: list[float | None] = []

    def begin(self) -> None:
        super().begin()
        if self.worker:
            subprocess.run([sys.executable, "-c", self.worker], check=True)

    def end(self, own_cpu_s: float | None) -> MachineState:
        self.own_cpu_s.append(own_cpu_s)
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


@pytest.fixture
def forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept loads from a late generator: these tests are not about this machine's speed."""
    monkeypatch.setattr("loadtests.run.beyond.lab.flaws", lambda *_, **__: ())
    for module in (cell_load, faults):
        monkeypatch.setattr(module, "SETTLE_S", 0.1)


def run(  # noqa: PLR0913 - what a test varies
    tmp_path: Path,
    *kinds: str,
    cell: Cell = CELL,
    host: str | None = None,
    most: float = 2000.0,
    duration_s: float = 1.0,
    machine: Sentinel | None = None,
    **changes: Any,
) -> list[dict[str, Any]]:
    services = Launcher(OPTIONS.servers, host, tmp_path / "server.log")

    def lab(peak: Any) -> PeakLab:
        watching = machine or Machine(QUIET)
        return PeakLab(services, cell, peak, OPTIONS, most, InProcess(), watching)

    return list(beyond(dict.fromkeys(kinds, duration_s), MEASURED | changes, lab))


@pytest.mark.measures
@pytest.mark.usefixtures("forgiven")
def test_each_kind_has_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "FACTORS", (2.0,))
    loads, soak, beside = run(tmp_path, "overload", "soak", "bystanders", duration_s=0.5)
    assert all(line["elapsed_s"] > 0.5 for line in (loads, soak, beside))
    [load] = loads["loads"]
    assert (load["factor"], load["rate"]) == (2.0, 80.0)
    assert loads["peak_goodput"] == max(load["goodput"], load["goodput_before"])
    assert load["kept"] == load["goodput"] / loads["peak_goodput"]
    assert sum(load["shares"].values()) == pytest.approx(1, abs=0.01)
    assert (soak["rate"], soak["watched"]) == (32.0, True)
    assert soak["loss_ratio"] == pytest.approx(1 - soak["shares"]["ok"], abs=0.001)
    assert soak["drift"].keys() == {
        *("pss_mib", "threads", "processes", "descriptors", "p50_ms")
    }  # fmt: skip
    assert beside["beside"].keys() > {"/health", "inline", "async", "thread-pool", "process-pool"}
    assert all(0 <= stream["lost"] <= 1 for stream in beside["beside"].values())


@pytest.mark.measures
@pytest.mark.usefixtures("forgiven")
def test_clients_may_notice_that_workers_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "EVERY_S", 0.4)
    cell = Cell("sleep", "process-pool")
    [line] = run(tmp_path, "faults", cell=cell)
    assert "reason" not in line, line
    assert line["rate"] == 20.0
    assert line["kills"] >= 1, line
    assert sum(line["statuses"].values()) == 20
    assert line["statuses"]["200"] > 0, line
    assert line["kept"] == line["goodput"] / line["undisturbed_goodput"]
    assert line["longest_gap_s"] > 0


@pytest.mark.measures
@pytest.mark.usefixtures("forgiven")
def test_a_surge_has_the_figures_of_the_policy_that_was_chosen(tmp_path: Path) -> None:
    [line] = run(tmp_path, "surge", cell=Cell("sleep", "thread-pool"), duration_s=0.4)
    assert (line["rates"], line["step_s"]) == ([20.0, 100.0, 20.0], 0.05)
    [policy] = line["policies"]
    assert policy["policy"] == "bounded"
    assert policy["queue"] == 6, "what it completes within 150 ms"
    assert policy["held"] == 0
    offered = [sum(window) for window in zip(*policy["series"].values(), strict=True)]
    edges = accumulate(line["windows"], initial=0)
    assert [sum(offered[begin:end]) for begin, end in pairwise(edges)] == [4, 40, 16]


def test_a_surge_tries_all_policies_unless_there_is_no_choice(tmp_path: Path) -> None:
    admission = {"choices": ["a", "b"], "models": ["thread-pool"]}
    offered = Discovery({}, {}, {}, {"admission": admission})

    def policies(given: str = "", host: str | None = None, model: str = "thread-pool") -> Any:
        options = replace(OPTIONS, servers=ServerOptions({"admission": given} if given else {}))
        services = Launcher(options.servers, host, tmp_path / "server.log")
        cell = Cell("sleep", model, services.rows(model, offered, "")[-1])
        peak, source = Peak(40, 40), InProcess()
        return surge.policies(
            PeakLab(services, cell, peak, options, 2000, source, Machine(QUIET)), offered
        )

    assert policies() == ["a", "b"]
    assert policies("lifo") == ["lifo"]
    assert policies("a,b") == ["b"], "its row has one of them"
    assert policies("a,b", model="inline") == ["as it is"]
    assert policies(host="http://127.0.0.1:1") == ["as it is"]
    offered = Discovery({}, {}, {})
    assert policies() == ["as it is"], "a service of the user"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"interval": [0.0, 0.0, 3.0]}, "it sustains no load, so it has no peak to go beyond"),
        (
            {"state": "at generator limit", "interval": [900.0, 900.0, None]},
            "its peak is not known: the generator reached its limit first",
        ),
        ({"state": "unfinished", "interval": None}, "its peak is not known: it was not measured"),
        ({"peak_goodput": None}, "its peak is not known: no trial passed"),
    ],
)
def test_without_a_known_peak_nothing_is_measured_beyond_it(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    lines = run(tmp_path, "overload", "soak", **changes)
    assert [(line["kind"], line["reason"]) for line in lines] == [
        ("overload", reason),
        ("soak", reason),
    ]


def test_what_the_generator_cannot_offer_has_a_reason(tmp_path: Path) -> None:
    for line in run(tmp_path, "overload", "spike", "surge", most=55):
        assert line["reason"] == "the generator offers no more than 55/s"


def test_workers_of_a_running_service_are_not_killed(tmp_path: Path) -> None:
    [line] = run(tmp_path, "faults", host="http://127.0.0.1:1")
    assert line["reason"].startswith("workers of a service that this run did not start")


@pytest.mark.parametrize(
    ("late", "state", "reason"),
    [
        (["It was late."], QUIET, "It was late."),
        ([], MachineState(others_cores=0.5, cores=2), "Other processes used 0.50 cores"),
    ],
)
@pytest.mark.usefixtures("forgiven")
def test_a_load_that_is_never_valid_has_a_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    late: Iterable[str],
    state: MachineState,
    reason: str,
) -> None:
    monkeypatch.setattr("loadtests.run.beyond.lab.flaws", lambda *_, **__: late)
    monkeypatch.setattr("loadtests.run.beyond.lab.TRIES", 2)
    machine = Machine(state)
    [line] = run(tmp_path, "soak", machine=machine, duration_s=0.2)
    assert line["reason"].startswith(f"no valid load in 2 attempts: {reason}")
    assert len(machine.own_cpu_s) == 2


@pytest.mark.usefixtures("forgiven")
def test_every_kind_asks_the_sentinel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.run.beyond.lab.TRIES", 1)
    monkeypatch.setattr(overload, "FACTORS", (2.0,))
    cell, machine = Cell("sleep", "process-pool"), Machine(MachineState(steal=0.2))
    for line in run(tmp_path, *KINDS, cell=cell, machine=machine, duration_s=0.2):
        assert line["reason"].startswith("no valid load in 1 attempts: The hypervisor"), line


@pytest.mark.usefixtures("forgiven")
def test_a_disturbed_load_is_repeated_and_our_own_processes_do_not_disturb(tmp_path: Path) -> None:
    machine = Machine(MachineState(others_cores=1.5, cores=2), QUIET, worker=SPINNING)
    [line] = run(tmp_path, "soak", machine=machine, duration_s=0.5)
    assert "reason" not in line, line
    assert len(machine.own_cpu_s) == 2
    for own_s in machine.own_cpu_s:
        assert own_s is not None
        assert own_s >= 0.5  # of the worker alone, which has ended


def test_a_tree_of_processes_is_sampled_from_outside() -> None:
    usage = sample(os.getpid())
    assert usage["processes"] == 1 + len(psutil.Process().children(recursive=True))
    assert usage["threads"] >= 1
    assert usage["descriptors"] >= 3
    assert usage["pss_mib"] is None or usage["pss_mib"] > 1
