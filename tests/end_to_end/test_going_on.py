"""A run goes on where the same is asked for, or more of it; else its file is left as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loadtests.cell import Cell
from loadtests.errors import RunFileError
from loadtests.report.summary import summarize
from loadtests.run.file.fold import read
from loadtests.run.survival.history import History, resumable
from tests.support.cli import run
from tests.support.run_files import plan, result, write

if TYPE_CHECKING:
    from pathlib import Path

CELLS = [("primes", "inline"), ("primes", "thread-pool")]
ARGUMENTS: dict[str, Any] = {
    "workloads": ["primes"],
    "models": ["inline", "thread-pool"],
    "param": ["primes.below=5000"],
    "host": None,
    "beyond": ["spike=5s"],
    "budget": "30s",
    "prove": True,
    "server_python": [],
}
PLAN = plan(CELLS, arguments=ARGUMENTS)
WANTED = {name: PLAN[name] for name in ("slo", "mode", "seed", "arguments", "cells")}
RESULTS = [result(*cell, 50, 55, blamed="GIL") for cell in CELLS]
AFTER = [
    {"line": line, "workload": workload, "model": model, "kind": "spike", "at": 90.0}
    for workload, model in CELLS
    for line in ("proof", "beyond")
]
END = {"line": "end", "at": 91.0, "exit": 0, "reason": None}


def asking(**changes: Any) -> dict[str, Any]:
    arguments = changes.pop("arguments", {})
    return {**WANTED, **changes, "arguments": {**ARGUMENTS, **arguments}}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"slo": "p99<100ms"}, "--slo p99<250ms (now p99<100ms)"),
        ({"mode": "full"}, "--quick (now --full)"),
        ({"seed": 2}, "--seed 1 (now 2)"),
        ({"cells": PLAN["cells"][:1]}, "other cells"),
        ({"arguments": {"prove": False}}, "--prove (now without)"),
        ({"arguments": {"beyond": []}}, "--beyond spike=5s (now without)"),
        ({"arguments": {"beyond": ["spike=9s"]}}, "--beyond spike=5s (now spike=9s)"),
        ({"arguments": {"param": []}}, "--param primes.below=5000 (now without)"),
        ({"arguments": {"threads": "64"}}, "no --threads (now 64)"),
        ({"arguments": {"models": ["inline"]}}, "--models inline,thread-pool (now inline)"),
    ],
)
def test_another_run_is_refused_by_name(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "run.jsonl", [PLAN, *RESULTS[:1], END])
    before = file.read_bytes()
    with pytest.raises(RunFileError) as raised:
        resumable(tmp_path, asking(**changes))
    assert f"was begun with {named};" in str(raised.value)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"arguments": {"budget": None}},
        {"arguments": {"beyond": ["spike=5s", "soak=60s"]}},
        {"arguments": {"a-a": True}},
    ],
    ids=["the same", "another budget", "a soak", "a row twice"],
)
def test_the_same_and_more_of_it_goes_on(more: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", [PLAN, *RESULTS[:1], END])
    resumable(tmp_path, asking(**more))


def test_a_finished_run_is_only_added_to(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", [PLAN, *RESULTS, *AFTER, END])
    with pytest.raises(RunFileError, match="holds a complete run already"):
        resumable(tmp_path, asking())
    resumable(tmp_path, asking(arguments={"beyond": ["spike=5s", "soak=60s"]}))


def test_a_proof_that_was_added_is_owed_from_then_on(tmp_path: Path) -> None:
    bare = plan(CELLS, arguments={**ARGUMENTS, "prove": False, "beyond": []})
    again = {"line": "resumed", "at": 95.0, "arguments": ARGUMENTS}
    write(tmp_path / "run.jsonl", [bare, *RESULTS, END, again, AFTER[0]])
    resumable(tmp_path, asking())
    with pytest.raises(RunFileError, match="begun with --prove"):
        resumable(tmp_path, asking(arguments={"prove": False}))
    assert History(tmp_path).begun["arguments"] == ARGUMENTS
    run = read(tmp_path)
    assert run.end is None, "it has ended only once, and went on"
    assert "--prove" in summarize(run).command


def test_what_is_no_run_of_ours_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", [{"line": "run", "policies": []}])
    with pytest.raises(RunFileError, match="cannot be resumed"):
        resumable(tmp_path, WANTED)


def test_an_unfinished_cell_is_measured_again(tmp_path: Path) -> None:
    unfinished = result(*CELLS[1], None, None, error="no valid trial")
    write(tmp_path / "run.jsonl", [PLAN, RESULTS[0], unfinished, *AFTER[:2], END])
    resumable(tmp_path, asking())
    agenda = History(tmp_path).agenda
    assert not agenda.unmeasured
    assert agenda.unfinished == {"primes": [Cell(*CELLS[1])]}
    agenda.update({"line": "resumed", **asking()})
    assert agenda.unmeasured == {"primes": [Cell(*CELLS[1])]}


def test_the_command_says_so_before_anything_is_started(tmp_path: Path) -> None:
    file = write(tmp_path / "run.jsonl", [PLAN, *RESULTS[:1], END])
    before = file.read_bytes()
    words = ("--workloads", "primes", "--models", "inline,thread-pool", "--slo", "p99<100ms")
    more = ("--param", "primes.below=5000", "--beyond", "spike", "--prove")
    ended = run("loadtests", "survive", *words, *more, "--output", str(tmp_path))
    assert (ended.code, ended.out) == (2, "")
    assert "begun with --slo p99<250ms (now p99<100ms); repeat its command" in ended.err
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.jsonl"]
