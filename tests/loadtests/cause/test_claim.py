"""A claim stands if capacity moved as predicted, and a control did not move it."""

import math

import pytest

from loadtests.cause.claim import judge
from loadtests.cause.remedy import Control, Remedy

TWICE = Remedy("4 processes instead of 2", {"processes": "4"}, {}, None, (1.5, 2.5))
HALF = Remedy("1 of 2 cores for the server", {}, {}, 1, (0.4, 0.707))


@pytest.mark.parametrize(
    ("change", "measured", "stands", "sentence"),
    [
        (TWICE, (1.85, 2.16), True, "1.85–2.16 ×, as predicted (1.50–2.50 ×)"),
        (TWICE, (2.51, 2.80), True, "2.51–2.80 ×, as predicted"),  # within its tolerance
        (TWICE, (1.85, math.inf), True, "at least 1.85 ×, as predicted"),
        (TWICE, (0.95, 1.11), False, "0.95–1.11 ×, where 1.50–2.50 × was"),
        (TWICE, (3.90, 4.74), False, "3.90–4.74 ×, where"),
        (TWICE, (0.98, 2.00), False, "0.98–2.00 ×, where"),  # or no change at all
        (TWICE, (0.0, math.inf), False, "at least 0.00 ×, where"),  # rows that never met
        (HALF, (0.48, 0.56), True, "0.48–0.56 ×, as predicted (0.40–0.71 ×)"),
        (HALF, (0.90, 1.06), False, "0.90–1.06 ×, where"),
        (HALF, (0.48, math.inf), False, "at least 0.48 ×, where"),
    ],
)
def test_a_claim_stands_if_capacity_moved_as_predicted(
    change: Remedy, measured: tuple[float, float], stands: bool, sentence: str
) -> None:
    claim = judge(change, measured)
    assert (claim.stands, claim.measured) == (stands, measured)
    assert sentence in claim.sentence
    assert claim.sentence.startswith("withdrawn") is not stands


MORE = Control("32 threads instead of 16", {"threads": "32"})


@pytest.mark.parametrize(
    ("unmoved", "stands", "sentence"),
    [
        ((0.97, 1.05), True, "it was 0.97–1.05 ×: no more, as predicted"),
        ((0.60, 0.72), True, "it was 0.60–0.72 ×: no more, as predicted"),  # worse is not better
        ((1.02, 1.30), True, "it was 1.02–1.30 ×: no more, as predicted"),  # perhaps by a tenth
        ((1.70, 1.90), False, "it was 1.70–1.90 ×: although this should not help"),
    ],
)
def test_a_claim_is_withdrawn_if_the_control_helped(
    unmoved: tuple[float, float], stands: bool, sentence: str
) -> None:
    for remedy, measured in ((TWICE, (1.85, 2.16)), (None, None)):
        claim = judge(remedy, measured, MORE, unmoved)
        assert (claim.stands, claim.measured, claim.control) == (stands, measured, unmoved)
        assert f"with 32 threads instead of 16, {sentence}" in claim.sentence
        assert claim.sentence.startswith("withdrawn") is not stands
