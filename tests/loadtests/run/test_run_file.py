"""The run file survives interruption, and the environment describes itself."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.bounds import Capacity
from loadtests.cell import Cell
from loadtests.errors import RunFileError
from loadtests.machine.environment import describe, environment
from loadtests.run.file.cells import CellResult
from loadtests.run.file.fold import read, with_search
from loadtests.run.file.folders import link_latest, new_folder
from loadtests.run.file.lines import encode, search_of
from loadtests.run.file.run_file import RunFile, Tail
from loadtests.slo import Slo
from tests.support.run_files import ENVIRONMENT, FULL, plan, result, trial, write
from tests.support.server_process import ROOT

if TYPE_CHECKING:
    from fractions import Fraction

NOON = datetime(2026, 11, 22, 18, 0, 0, tzinfo=UTC)
SMALL = [
    plan([("primes", "inline"), ("primes", "hybrid")]),
    {"line": "cell-start", "workload": "primes", "model": "inline", "at": 1.0},
    trial("primes", "inline", 80.0, held=False, broke_by="late", reasons=["4 % were late."]),
    result("primes", "inline", 64.0, 70.0, "late"),
]


@dataclass(frozen=True, slots=True)
class Unseen:
    capacity: Capacity
    share: Fraction | None = None


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    run = read(write(tmp_path / "run.jsonl", SMALL))
    assert run.plan.cells == (Cell("primes", "inline"), Cell("primes", "hybrid"))
    assert run.plan.slo == Slo(99, 0.25)
    assert run.trials[0].reasons == ("4 % were late.",)
    assert run.trials[0].work.p99_ms == 210.0
    inline = run.results[Cell("primes", "inline")]
    assert [search.bounds for search in inline.searches] == [(64.0, 70.0)]
    assert (inline.measured, inline.unbounded) == (True, False)
    assert inline.low < 64.0  # a quick search is known to err by more, and to be kind
    assert 64.0 < inline.high < 85.0
    assert run.end is None


def test_a_folder_stands_for_its_run_file(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", FULL)
    assert read(tmp_path) == read(tmp_path / "run.jsonl")
    assert len(read(tmp_path).results) == 20


def test_the_last_line_about_a_cell_counts_and_a_resumed_run_has_not_ended(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", [*SMALL, {"line": "end", "exit": 3, "reason": "noise"}])
    ended = read(path).end
    assert ended is not None
    assert (ended.exit, ended.reason) == (3, "noise")
    write(path, [SMALL[0], result("primes", "inline", 72.0, 75.0)])
    assert read(path).end is None
    assert read(path).results[Cell("primes", "inline")].held == 72.0


def test_searches_are_combined_in_the_same_way_one_by_one_and_all_at_once(tmp_path: Path) -> None:
    both = [("primes", "inline"), ("primes", "hybrid")]
    lines = [
        result(*cell, 60.0 + search, 70.0, search=search, trials=8)
        for search in (0, 1, 1, 2)  # the second was repeated
        for cell in both
    ]
    run = read(write(tmp_path / "run.jsonl", [plan(both, searches=3), *lines]))
    folded: Mapping[Cell, CellResult] = {}
    for line in lines:
        folded = with_search(folded, search_of(line), run.plan)
    assert run.results == folded
    assert [cell.trials for cell in run.results.values()] == [24, 24]


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    with closing(RunFile(tmp_path / "run.jsonl")) as file:
        file.append("trial", p99_ms=math.inf, nested={"values": [math.nan, 1.5]})
    line = json.loads((tmp_path / "run.jsonl").read_text())
    assert line == {"line": "trial", "p99_ms": None, "nested": {"values": [None, 1.5]}}


def test_each_line_can_be_read_before_the_file_is_closed(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "run.jsonl")
    assert tail.read() == []
    with closing(RunFile(tmp_path / "run.jsonl")) as file:
        for number in range(3):
            file.append("trial", number=number)
            assert tail.read() == [{"line": "trial", "number": number}]
    assert tail.read() == []


@given(cut=st.integers(min_value=0), chunks=st.lists(st.integers(1, 400), max_size=20))
def test_a_torn_line_is_as_if_never_begun(cut: int, chunks: list[int]) -> None:
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / "run.jsonl", SMALL)
        content = path.read_bytes()
        first = content.index(b"\n") + 1
        torn = content[: first + cut % (len(content) - first + 1)]
        path.write_bytes(torn)
        whole = torn.count(b"\n")
        run = read(path)
        assert len(run.trials) == (whole >= 3)
        assert len(run.results) == (whole >= 4)
        with closing(RunFile(path)) as file:
            file.append("end", exit=0)
        assert len(path.read_bytes().splitlines()) == whole + 1
        assert read(path).end is not None

        followed, grown, tail = [], path.read_bytes(), Tail(path)
        path.write_bytes(b"")
        for chunk in [*chunks, len(grown)]:
            piece, grown = grown[:chunk], grown[chunk:]
            with path.open("ab") as file_:
                file_.write(piece)
            followed += tail.read()
        assert [line["line"] for line in followed][-1] == "end"
        assert len(followed) == whole + 1


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with pytest.raises(RunFileError, match="does not exist; name the folder"):
        read(path)
    path.write_bytes(b'{"line":"run"')
    with pytest.raises(RunFileError, match="survive` again"):
        read(path)
    newer = plan([]) | {"schema": 2, "environment": {"version": "9.0"}}
    path.write_text(json.dumps(newer) + "\n")
    with pytest.raises(RunFileError, match=r"schema 2.*reads schema 1.*\(9\.0\)"):
        read(path)
    path.write_text(json.dumps(plan([])) + "\nrubbish\n")
    with pytest.raises(RunFileError, match="line 2: not a line"):
        read(path)
    path.write_text(json.dumps(plan([])) + '\n{"line": "trial", "workload": "primes"}\n')
    with pytest.raises(RunFileError, match="line 2: this 'trial' line lacks"):
        read(path)


def test_folders_are_named_by_utc_time_and_latest_is_the_newest(tmp_path: Path) -> None:
    base = tmp_path / "results"
    first = new_folder(base, NOON.astimezone(timezone(timedelta(hours=5))))
    assert first == base / "2026-11-22T18-00-00Z"
    link_latest(first)
    assert (base / "latest").resolve() == first.resolve()
    same_second = new_folder(base, NOON)
    assert same_second != first
    link_latest(same_second)
    assert (base / "latest").resolve() == same_second.resolve()
    assert {path.name for path in base.iterdir()} == {first.name, same_second.name, "latest"}


def test_a_folder_called_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(RunFileError, match="move it away"):
        link_latest(new_folder(tmp_path, NOON))
    assert (tmp_path / "latest").is_dir()


def test_the_environment_is_plain_json_and_names_this_machine() -> None:
    here = environment()
    assert json.loads(json.dumps(here)) == here
    assert here["cores"] >= 1
    assert here["memory_gib"] > 0
    assert describe(here).startswith(f"{here['cores']} core")
    assert here["python"] in describe(here)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert here["version"] == project["version"]


def test_a_machine_without_proc_is_described_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.machine.environment.Path", lambda _: Path("/does/not/exist"))
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert environment()["cores"] >= 1


def test_the_description_prefers_the_runtime_of_the_server() -> None:
    assert describe(ENVIRONMENT) == (
        "2 cores of Intel Xeon Platinum 8375C, 24 GiB, Linux 6.1, CPython 3.11.7, "
        "uvloop 0.22.1, 8 threads, 2 processes, forkserver"
    )
    free = ENVIRONMENT | {"server": {"python": "3.14.2", "gil": False, "threads": 1}}
    assert describe(free).endswith("CPython 3.14.2 without GIL, 1 thread")
    assert describe({}) == ""


def test_a_class_is_encoded_although_only_type_checkers_import_its_types() -> None:
    assert encode(Unseen(Capacity(8.0, math.inf))) == {
        "capacity": encode(Capacity(8.0, None)),
        "share": None,
    }
