"""The cause of a cell is chosen once from all its searches: the report names what was proved."""

import pytest

from loadtests.run.file.fold import together, typical
from loadtests.run.file.lines import plan_of, search_of
from tests.support.run_files import plan, result

PLAN = plan_of(plan([("primes", "inline")], searches=3))


@pytest.mark.parametrize(
    ("searches", "chosen"),
    [
        (((40, "gil"),), 0),
        (((40, "gil"), (42, "loop"), (41, "loop")), 2),  # the middle one
        (((42, "gil"), (40, "loop"), (41, "gil")), 2),
        (((44, "gil"), (40, "gil"), (42, "loop")), 1),  # another has the most frequent cause
        (((44, "gil"), (40, "loop")), 1),  # as frequent: that of the lower rate
        (((44, None), (40, None), (42, "loop")), 1),
    ],
)
def test_the_search_that_is_proved_has_the_cause_of_the_cell(
    searches: tuple[tuple[float, str | None], ...], chosen: int
) -> None:
    lines = [
        result("primes", "inline", held, held + 1, cause=cause, search=number)
        for number, (held, cause) in enumerate(searches)
    ]
    assert typical(lines) is lines[chosen]
    assert lines[chosen]["cause"] == together([search_of(line) for line in lines], PLAN).cause
