"""A claim stands if capacity moved as was predicted, and is withdrawn if it did not."""

import math

import pytest

from loadtests.cause.claim import Remedy, judge

TWICE = Remedy("4 processes instead of 2", {"processes": "4"}, {}, None, (1.5, 2.5))
HALF = Remedy("1 of 2 cores for the server", {}, {}, 1, (0.4, 0.707))


@pytest.mark.parametrize(
    ("change", "before", "after", "stands", "sentence"),
    [
        (TWICE, (38, 41), (76, 82), True, "1.85–2.16 × as much, as predicted (1.50–2.50 ×)"),
        (TWICE, (38, 41), (76, None), True, "at least 1.85 × as much, as predicted"),
        (TWICE, (38, 41), (39, 42), False, "0.95–1.11 × as much, where 1.50–2.50 × was"),
        (TWICE, (38, 41), (160, 180), False, "3.90–4.74 × as much, where"),
        (TWICE, (30, 45), (44, 60), False, "0.98–2.00 × as much, where"),  # or no change at all
        (TWICE, (0, 1), (20, 22), False, "20.00–22.00 × as much, where"),
        (TWICE, (38, None), (76, 80), False, "without the change it did not break"),
        (HALF, (165, 178), (85, 92), True, "0.48–0.56 × as much, as predicted (0.40–0.71 ×)"),
        (HALF, (165, 178), (160, 175), False, "0.90–1.06 × as much, where"),
        (HALF, (165, 178), (85, None), False, "at least 0.48 × as much, where"),
    ],
)
def test_a_claim_stands_if_capacity_moved_as_predicted(
    change: Remedy,
    before: tuple[float, float | None],
    after: tuple[float, float | None],
    stands: bool,
    sentence: str,
) -> None:
    claim = judge(change, before, after)
    assert claim.stands is stands
    assert sentence in claim.sentence
    assert claim.sentence.startswith("withdrawn") is not stands
    assert claim.measured[0] <= claim.measured[1] <= math.inf
