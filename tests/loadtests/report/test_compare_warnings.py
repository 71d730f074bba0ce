"""A comparison tells what else differs between its runs, and what weakens it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loadtests.report.compare.changes import UNKNOWN, Change, changes
from loadtests.report.compare.warnings import unlike, warnings
from loadtests.run.file.lines import End, Run
from tests.support.compared_runs import compared, run_of, served
from tests.support.run_files import NO_TWIN, SERVERS, on, result, trial, unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

CELL = result("primes", "thread-pool", 90, 97)
SERVER: Mapping[str, Any] = served("3.11.7")["server"]


def changed(*runs: Run) -> dict[str, tuple[str, ...]]:
    return {change.name: change.values for change in changes(compared(*runs).sides)}


def test_nothing_has_changed_between_a_run_and_itself() -> None:
    assert changed(run_of(CELL), run_of(CELL, started="later")) == {}


def test_changes_read_as_people_say_them() -> None:
    before = run_of(CELL, environment={"commit": "abc", "load_average": [0.2, 0.1, 0.1]})
    server = {"threads": 16, "gil": False, "packages": {"aiohttp": "4.0"}, "deadline_s": 2.0}
    after = run_of(
        CELL,
        seed=2,
        arguments={"threads": "16", "deadline": "2s", "param": ["primes.below=5"], "host": None},
        environment={"commit": "def", "gil": False, "memory_gib": 8, **served("3.14.0", **server)},
    )
    assert changed(before, after) == {
        "parameters": (UNKNOWN, "primes.below=5"),
        "seed": ("1", "2"),
        "Python": ("3.11.7", "3.14.0"),
        "GIL": ("on", "off"),
        "threads": ("8", "16"),
        "aiohttp": (UNKNOWN, "4.0"),
        "deadline (s)": (UNKNOWN, "2.0"),
        "memory (GiB)": ("23.5", "8"),
        "commit": ("abc", "def"),
        "GIL of the load tests": ("on", "off"),
    }


def test_several_pythons_are_told_apart_and_one_is_found_among_their_servers() -> None:
    cells = [on(label, CELL) for label in SERVERS]
    several = run_of(*cells, environment={"servers": SERVERS})
    slower = {**SERVERS, "3.13t": {**SERVERS["3.13t"], "loop": "asyncio"}}
    other = run_of(*cells, environment={"servers": slower})
    assert changed(several, other) == {"event loop (3.13t)": ("uvloop 0.22.1", "asyncio")}
    single = [run_of(cell, environment={"servers": SERVERS}) for cell in cells]
    assert changed(*single)["GIL"] == ("on", "off")


def test_a_run_that_says_nothing_of_itself_is_compared_all_the_same() -> None:
    bare = replace(run_of(CELL), plan=replace(run_of(CELL).plan, environment={}))
    found = compared(bare, run_of(CELL))
    assert Change("CPU", (UNKNOWN, "Intel Xeon Platinum 8375C")) in changes(found.sides)
    assert [side.label for side in found.sides] == ["A", "B"]


def test_other_objectives_and_other_work_forbid_to_judge() -> None:
    assert unlike(compared(run_of(CELL), run_of(CELL))) == ()
    (said,) = unlike(compared(run_of(CELL), run_of(CELL, slo="p99<1s")))
    assert said.startswith("B was held to p99<1s, and A to p99<250ms: ")
    arguments = {"param": ["primes.below=5", "sleep.ms=3"]}
    (said,) = unlike(compared(run_of(CELL), run_of(CELL, arguments=arguments)))
    assert said.startswith("`primes` ran with primes.below=5 in B, and with defaults in A: ")


def test_conditions_are_told_of_each_run() -> None:
    busy = {"load_average": [2.5, 1.0, 1.0], "commit": "abc-dirty"}
    first = run_of(CELL, environment=busy, arguments={"host": "http://127.0.0.1:1"})
    said = warnings(compared(first, replace(run_of(CELL, mode="full"), end=None)))
    assert [text.split(":")[0] for text in said] == [
        "A",  # was busy
        "A measured a running service that was not restarted between its cells.",
        "A was measured with changes that are in no commit.",
        "B has not ended",
        "B is a full run, and A a quick run",
    ]
    early = replace(run_of(CELL), end=End(3, "It was too noisy."))
    assert "B ended early: It was too noisy." in warnings(compared(run_of(CELL), early))
    assert "B and A are the same run." in warnings(compared(run_of(CELL), run_of(CELL)))


def test_slower_cores_are_told_from_slower_code() -> None:
    def timed(piece_ms: float, python: str = "3.11.7") -> Run:
        machine = {"slowdown": 1.0, "calibration_ms": piece_ms}
        trials = [trial("primes", "thread-pool", 50.0, machine=machine)] * 10
        return run_of(CELL, *trials, started=str(piece_ms), environment={"python": python})

    (said,) = warnings(compared(timed(0.5), timed(0.75)))
    assert said.startswith(
        "The cores were slower in B: the same piece of work took 0.75 ms of CPU, 1.50 × what it "
        "took in A (0.50 ms)."
    )
    assert "faster" in warnings(compared(timed(0.75), timed(0.5)))[0]
    assert warnings(compared(timed(0.5), timed(0.52))) == ()
    assert warnings(compared(timed(0.5), timed(0.75, "3.14.0"))) == ()  # another Python's speed


def test_cells_without_a_counterpart_are_named_with_the_reason() -> None:
    first = run_of(CELL, result("sleep", "async", 900, 950), started="1")
    second = run_of(CELL, unavailable("sleep", "async", NO_TWIN), started="2")
    (said,) = warnings(compared(first, second))
    assert said == (
        "1 cell cannot be compared for want of a result in B (no native async twin): "
        "`sleep` under async."
    )
    (said,) = warnings(compared(run_of(CELL, started="3"), first))
    assert "want of a result in A (not asked for): `sleep` under async." in said


def test_few_differences_among_many_cells_may_be_chance() -> None:
    cells = [result("primes", f"model-{n}", 90, 97) for n in range(19)]
    first = run_of(*cells, CELL, started="1")
    second = run_of(*cells, result("primes", "thread-pool", 30, 33), started="2")
    (said,) = warnings(compared(first, second))
    assert said.startswith("Of 20 cells that are all the same, about 1 would seem to differ")
