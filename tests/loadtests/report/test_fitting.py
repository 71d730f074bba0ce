"""An answer is shortened part by part, and every form of it reads as a sentence."""

import pytest

from loadtests.report.fitting import Parts, cuts

CONVOY = "under thread-pool, the GIL was held 97 % of the time, and the event loop waited for it"


@pytest.mark.parametrize(
    ("clause", "shorter"),
    [
        (CONVOY, ["under thread-pool, the GIL was held 97 % of the time"]),
        ("the pool was full while cores were free", ["the pool was full"]),
        ("under inline, the work ran (9 ms, each)", ["under inline, the work ran"]),
        ("calls waited; `a, b` in f.py held it", []),
        ("calls waited in `a; b`", []),
        ("cores were full", []),
        ("", []),
    ],
)
def test_a_clause_ends_early_but_never_after_its_first_words(
    clause: str, shorter: list[str]
) -> None:
    assert cuts(clause) == [clause, *shorter]


def test_parts_give_way_in_their_order_and_no_more_than_they_must() -> None:
    parts = Parts([["use async now", "use async"], ["because of this", ""], ["sure."]], [1, 0])
    fitted = {
        most: parts.fitted(lambda text, most=most: len(text.split()) <= most)  # type: ignore[misc]
        for most in (7, 6, 4, 3, 1)
    }
    assert fitted[7] == "Use async now. Because of this. Sure."
    assert fitted[6] == fitted[4] == "Use async now. Sure."
    assert fitted[3] == fitted[1] == "Use async. Sure."
