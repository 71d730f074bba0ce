"""At a given rate a row holds, fails, or one cannot tell: as its interval says."""

from math import inf

import pytest

from loadtests.report.at_load import at_load, at_load_json
from loadtests.run.file.lines import Line
from tests.support.run_files import measured, result, unavailable


@pytest.mark.parametrize(
    ("line", "outcome", "headroom"),
    [
        (result("w", "m", 200, 242), "holds", (2.2, 2.0, 2.42)),
        (result("w", "m", 100, 121), "holds", (1.1, 1.0, 1.21)),
        (result("w", "m", 81, 121), "cannot tell", (0.99, 0.81, 1.21)),
        (result("w", "m", 81, 99), "fails", (0.8955, 0.81, 0.99)),
        (result("w", "m", 0, 4), "fails", (0.0, 0.0, 0.04)),
        (result("w", "m", 2000, None), "holds", (20.0, 20.0, inf)),
        (result("w", "m", 50, None), "cannot tell", (0.5, 0.5, inf)),
        (result("w", "m", None, None, error="?", predicted=500.0), "cannot tell", None),
    ],
)
def test_a_row_holds_a_load_if_its_whole_interval_does(
    line: Line, outcome: str, headroom: tuple[float, float, float] | None
) -> None:
    [there] = at_load([measured(line)], 100)
    assert (there.workload, there.row, there.outcome) == ("w", "m", outcome)
    assert there.headroom == (headroom and pytest.approx(headroom, abs=1e-3))


def test_rows_that_cannot_run_are_left_out_and_no_end_is_null() -> None:
    lines = [unavailable("w", "async", "no twin"), result("w", "inline", 2000, None)]
    [line] = at_load_json(at_load(map(measured, lines), 100))
    assert line == {
        "workload": "w",
        "row": "inline",
        "outcome": "holds",
        "headroom": [20.0, 20.0, None],
    }
