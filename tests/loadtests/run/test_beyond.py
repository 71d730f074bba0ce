"""Trials beyond the peak on real servers: each says what it should, or why it has no figure."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests.cell import Cell
from loadtests.load.source import InProcess
from loadtests.run.beyond import overload
from loadtests.run.beyond.lab import PeakLab
from loadtests.run.beyond.run import beyond
from loadtests.run.options import Options
from loadtests.service.launcher import Launcher
from loadtests.service.sampler import sample
from loadtests.trial import cell_load

pytestmark = pytest.mark.usefixtures("database")

CELL = Cell("sleep", "inline")
FOUND = {"held": 40.0, "broke": 40.0, "peak_goodput": 40.0}
OPTIONS = Options(workloads=("sleep",), models=("inline",), parameters={"sleep": {"ms": "20"}})


@pytest.fixture
def forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgive a late generator: that says something of this machine, and not of the trial."""
    monkeypatch.setattr("loadtests.run.beyond.lab.flaws", lambda *_: ())


def run(
    tmp_path: Path,
    *kinds: str,
    cell: Cell = CELL,
    host: str | None = None,
    most: float = 2000.0,
    **found: Any,
) -> list[dict[str, Any]]:
    services = Launcher(OPTIONS.servers, host, tmp_path / "server.log")

    def bench(peak: Any) -> PeakLab:
        return PeakLab(services, cell, peak, OPTIONS, most, InProcess())

    return list(beyond(dict.fromkeys(kinds, 1.0), FOUND | found, bench))


@pytest.mark.measures
@pytest.mark.usefixtures("forgiven")
def test_each_kind_has_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "FACTORS", (2.0,))
    monkeypatch.setattr(cell_load, "SETTLE_S", 0.1)
    loads, soak, beside = run(tmp_path, "overload", "soak", "bystanders")
    assert all(one["elapsed_s"] > 1 for one in (loads, soak, beside))
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
    assert all(0 <= one["lost"] <= 1 for one in beside["beside"].values())


@pytest.mark.usefixtures("forgiven")
def test_a_killed_worker_is_noticed_or_not(tmp_path: Path) -> None:
    [line] = run(tmp_path, "faults", cell=Cell("sleep", "process-pool"))
    assert (line["rate"], line["kills"]) == (20.0, 1)
    assert sum(line["statuses"].values()) == 20
    assert line["statuses"]["200"] > 0
    assert line["kept"] == line["goodput"] / line["undisturbed_goodput"]
    assert line["longest_gap_s"] > 0


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"held": 0.0}, "it bears no load, so there is no peak to go beyond"),
        ({"broke": None}, "its peak is not known: the search met its upper limit"),
        ({"peak_goodput": None}, "its peak is not known: no full trial held"),
    ],
)
def test_without_a_peak_there_is_nothing_beyond_it(
    tmp_path: Path, found: dict[str, Any], reason: str
) -> None:
    lines = run(tmp_path, "overload", "soak", **found)
    assert [(line["kind"], line["reason"]) for line in lines] == [
        ("overload", reason),
        ("soak", reason),
    ]


def test_what_the_generator_cannot_offer_has_a_reason(tmp_path: Path) -> None:
    for line in run(tmp_path, "overload", "spike", most=55):
        assert line["reason"] == "the generator offers no more than 55/s"


def test_workers_of_a_running_service_are_not_ours_to_kill(tmp_path: Path) -> None:
    [line] = run(tmp_path, "faults", host="http://127.0.0.1:1")
    assert line["reason"].startswith("no worker is killed of a running service")


def test_a_load_that_is_never_offered_as_it_should_be_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flawed = partial(iter, ["It was late."])
    monkeypatch.setattr("loadtests.run.beyond.lab.flaws", lambda *_: flawed())
    monkeypatch.setattr(cell_load, "SETTLE_S", 0.1)
    monkeypatch.setattr("loadtests.run.beyond.lab.TRIES", 2)
    [line] = run(tmp_path, "soak")
    assert line["reason"] == "no valid load in 2 attempts: It was late."


def test_a_tree_of_processes_is_sampled_from_outside() -> None:
    seen = sample(os.getpid())
    assert seen["processes"] == 1 + len(psutil.Process().children(recursive=True))
    assert seen["threads"] >= 1
    assert seen["descriptors"] >= 3
    assert seen["pss_mib"] is None or seen["pss_mib"] > 1
