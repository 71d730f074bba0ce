"""The run file survives interruption, and the environment describes itself."""

from __future__ import annotations

import json
import math
import resource
import tomllib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.estimate import Range
from loadtests.cell import Cell
from loadtests.errors import RunFileError
from loadtests.machine.environment import describe, environment
from loadtests.run.file.cells import RowRatio, Standing
from loadtests.run.file.fold import read
from loadtests.run.file.folders import link_latest, new_folder
from loadtests.run.file.lines import decode, encode
from loadtests.run.file.run_file import RunFile, Tail
from loadtests.slo import Slo
from tests.support.run_files import (
    ENVIRONMENT,
    FULL,
    NO_TWIN,
    plan,
    result,
    standing,
    trial,
    unavailable,
    write,
)
from tests.support.server_process import ROOT

if TYPE_CHECKING:
    from fractions import Fraction

NOON = datetime(2026, 11, 22, 18, 0, 0, tzinfo=UTC)
SMALL = [
    plan([("primes", "inline"), ("primes", "hybrid")]),
    {"line": "workload-start", "workload": "primes", "rows": ["inline", "hybrid"], "at": 1.0},
    trial("primes", "inline", 80.0, held=False, broke_by="late", reasons=["4 % were late."]),
    result("primes", "inline", 64.0, 70.0, "late"),
]


@dataclass(frozen=True, slots=True)
class Unseen:
    capacity: Range
    share: Fraction | None = None


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    run = read(write(tmp_path / "run.jsonl", SMALL))
    assert run.plan.cells == (Cell("primes", "inline"), Cell("primes", "hybrid"))
    assert run.plan.slo == Slo(99, 0.25)
    assert run.trials[0].reasons == ("4 % were late.",)
    assert run.trials[0].work.p99_ms == 210.0
    inline = run.results[Cell("primes", "inline")]
    assert inline.interval == Range(66.93, 64.0, 70.0)
    assert (inline.measured, inline.unbounded) == (True, False)
    assert (inline.held, inline.capacity, inline.broke) == (64.0, 66.93, 70.0)
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


RATIOS = (RowRatio("hybrid", "inline", Range(2.5, 2.25, 2.75)),)
STANDING = Standing(
    "primes",
    rounds=4,
    rows={"inline": Range(66.0, 64.0, 70.0), "async": Range(2000.0, 2000.0, math.inf)},
    ties=("async",),
    ratios=RATIOS,
    speed=(0.98, 1.03),
    again=RowRatio("hybrid", "hybrid (again)", Range(1.0, 0.0, math.inf)),
    at=30.0,
)


def test_intervals_without_an_end_are_restored() -> None:
    line = json.loads(json.dumps(encode(STANDING), allow_nan=False))
    assert line["rows"]["async"] == [2000.0, 2000.0, None]
    assert decode(Standing, line) == STANDING
    assert STANDING.ratio("inline", "hybrid") == Range(1 / 2.5, 1 / 2.75, 1 / 2.25)
    assert STANDING.ratio("inline", "async") is None
    assert [STANDING.more(*RATIOS[0][:2]), STANDING.more(*RATIOS[0][1::-1])] == [True, False]


def test_the_last_standing_counts_and_a_row_measured_twice_in_another_part_is_kept(
    tmp_path: Path,
) -> None:
    first, last = encode(STANDING), standing(SMALL[-1:], rounds=9, ratios=RATIOS)
    other = standing([result("sleep", "inline", 14.0, 15.0)])
    lines = [*SMALL, {"line": "standing", **first}, other, last]
    run = read(write(tmp_path / "run.jsonl", lines))
    assert run.standings.keys() == {"primes", "sleep"}
    primes = run.standings["primes"]
    assert (primes.rounds, primes.ties, primes.ratios) == (9, ("inline",), RATIOS)
    assert primes.again == STANDING.again
    assert run.standings["sleep"].again is None


def test_a_cell_is_measured_unbounded_unfinished_or_unavailable(tmp_path: Path) -> None:
    models = ("hybrid", "thread-pool", "inline", "async")
    cells = [
        result("primes", models[0], 0.0, 4.0),
        result("primes", models[1], 2000.0, None),
        result("primes", models[2], None, None, error="no valid trial", predicted=195.0),
        unavailable("primes", models[3], NO_TWIN),
    ]
    twice = trial("primes", "hybrid", 80.0, again=True, round=3)
    lines = [plan([("primes", model) for model in models]), twice, *cells]
    run = read(write(tmp_path / "run.jsonl", lines))
    idle, limited, unfinished, absent = run.results.values()
    assert [(cell.measured, cell.unbounded) for cell in run.results.values()] == [
        *((True, False), (True, True), (False, False), (False, False)),
    ]
    assert (idle.capacity, idle.broke, idle.sustained) == (0.0, 4.0, 0.0)
    assert limited.interval == Range(2000.0, 2000.0, math.inf)
    assert (limited.held, limited.high) == (2000.0, math.inf)
    assert (unfinished.error, unfinished.capacity, unfinished.score) == (
        "no valid trial",
        None,
        None,
    )
    assert (absent.state, absent.unavailable) == ("unavailable", NO_TWIN)
    assert [(line.round, line.again) for line in run.trials] == [(3, True)]


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
    older = plan([]) | {"schema": 1, "environment": {"version": "0.0.9"}}
    path.write_text(json.dumps(older) + "\n")
    with pytest.raises(RunFileError, match=r"schema 1, but .*reads schema 2;.*\(0\.0\.9\)"):
        read(path)
    path.write_text(json.dumps(plan([])) + "\nrubbish\n")
    with pytest.raises(RunFileError, match="line 2: not a line"):
        read(path)
    path.write_text(json.dumps(plan([])) + '\n{"line": "trial", "workload": "primes"}\n')
    with pytest.raises(RunFileError, match="line 2: this 'trial' line lacks"):
        read(path)
    path.write_text(json.dumps(plan([]) | {"seed": {"a": 1}}) + "\n")
    with pytest.raises(
        RunFileError, match=r"line 1: .* lacks something \({'a': 1} in place of int\)"
    ):
        read(path)
    path.write_text(json.dumps(plan([]) | {"slo": "soon"}) + "\n")
    with pytest.raises(RunFileError, match=r"line 1: .*invalid SLO 'soon'"):
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
    assert encode(Unseen(Range(8.0, 8.0, math.inf))) == {
        "capacity": [8.0, 8.0, None],
        "share": None,
    }


def test_a_full_disk_is_reported_and_costs_no_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(RunFile(path)) as file:
        file.append("run")
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, before[1]))
        try:
            with pytest.raises(RunFileError, match=r"run\.jsonl cannot be written \(File too"):
                file.append("workload-start", rows=[])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert [line["line"] for line in Tail(path).read()] == ["run"]
        file.append("end", exit=0)
    assert [line["line"] for line in Tail(path).read()] == ["run", "workload-start", "end"]
