"""A comparison reports what else differs between its runs, and what weakens it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from loadtests.report.compare.changes import UNKNOWN, changes
from loadtests.report.compare.warnings import unlike, warnings
from loadtests.run.file.lines import End, Run
from tests.support.compared_runs import compared, run_of, served
from tests.support.run_files import NO_TWIN, SERVERS, on, result, unavailable

CELL = result("primes", "thread-pool", 90, 97)
SERVER: Mapping[str, Any] = served("3.11.7")["server"]


def changed(*runs: Run) -> dict[str, tuple[str, ...]]:
    return changes(compared(*runs).sides)


def test_nothing_has_changed_between_a_run_and_itself() -> None:
    assert changed(run_of(CELL), run_of(CELL, started="later")) == {}


def test_changes_have_readable_names() -> None:
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


def test_the_servers_of_several_pythons_are_kept_apart() -> None:
    cells = [on(label, CELL) for label in SERVERS]
    several = run_of(*cells, environment={"servers": SERVERS})
    slower = {**SERVERS, "3.13t": {**SERVERS["3.13t"], "loop": "asyncio"}}
    other = run_of(*cells, environment={"servers": slower})
    assert changed(several, other) == {"event loop (3.13t)": ("uvloop 0.22.1", "asyncio")}
    single = [run_of(cell, environment={"servers": SERVERS}) for cell in cells]
    assert changed(*single)["GIL"] == ("on", "off")


def test_a_run_without_an_environment_can_be_compared() -> None:
    bare = replace(run_of(CELL), plan=replace(run_of(CELL).plan, environment={}))
    sides = compared(bare, run_of(CELL)).sides
    assert changes(sides)["CPU"] == (UNKNOWN, "Intel Xeon Platinum 8375C")
    assert [side.label for side in sides] == ["A", "B"]


def test_runs_with_different_objectives_or_work_are_not_judged() -> None:
    assert unlike(compared(run_of(CELL), run_of(CELL))) == ()
    (warning,) = unlike(compared(run_of(CELL), run_of(CELL, slo="p99<1s")))
    assert warning.startswith("B had the objective p99<1s, and A had p99<250ms: ")
    arguments = {"param": ["primes.below=5", "sleep.ms=3"]}
    (warning,) = unlike(compared(run_of(CELL), run_of(CELL, arguments=arguments)))
    assert warning.startswith("`primes` ran with primes.below=5 in B, and with defaults in A: ")


def test_the_conditions_of_each_run_are_reported() -> None:
    busy = {"load_average": [2.5, 1.0, 1.0], "commit": "abc-dirty"}
    first = run_of(CELL, environment=busy, arguments={"host": "http://127.0.0.1:1"})
    sentences = warnings(compared(first, replace(run_of(CELL, mode="full", started="2"), end=None)))
    assert [text.split(":")[0] for text in sentences] == [
        "A",  # was busy
        "A measured a running service, which was not restarted between its cells.",
        "A was measured with uncommitted changes.",
        "B has not ended",
        "B is a full run, and A a quick run",
    ]
    early = replace(run_of(CELL), end=End(3, "It was too noisy."))
    assert "B ended early: It was too noisy." in warnings(compared(run_of(CELL), early))
    assert "B and A are the same run." in warnings(compared(run_of(CELL), run_of(CELL)))


def test_what_another_python_contributes_to_the_speed_is_not_in_the_ratios() -> None:
    cells = [result("primes", f"model-{n}", 90, 97) for n in range(3)]
    newer = run_of(*cells, environment=served("3.14.0"), started="2")
    (warning,) = warnings(compared(run_of(*cells), newer))
    assert warning.startswith("Python 3.14 ran on Python 3.14, and Python 3.11 on 3.11: the factor")


def test_cells_without_a_counterpart_are_named_with_the_reason() -> None:
    first = run_of(CELL, result("sleep", "async", 900, 950), started="1")
    second = run_of(CELL, unavailable("sleep", "async", NO_TWIN), started="2")
    (warning,) = warnings(compared(first, second))
    assert warning == (
        "1 cell cannot be compared, because B has no result (no native async twin): "
        "`sleep` under async."
    )
    (warning,) = warnings(compared(run_of(CELL, started="3"), first))
    assert "because A has no result (not requested): `sleep` under async." in warning
