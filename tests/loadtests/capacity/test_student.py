"""Quantiles of Student's t are those of the tables."""

import pytest

from loadtests.capacity.student import below, quantile

TABLE = {1: (6.314, 12.706), 2: (2.920, 4.303), 5: (2.015, 2.571), 10: (1.812, 2.228),
         30: (1.697, 2.042)}  # fmt: skip


@pytest.mark.parametrize("freedom", TABLE)
def test_quantiles_are_those_of_the_tables(freedom: int) -> None:
    one_sided, two_sided = TABLE[freedom]
    assert quantile(0.95, freedom) == pytest.approx(one_sided, abs=6e-4)
    assert quantile(0.975, freedom) == pytest.approx(two_sided, abs=6e-4)
    assert below(quantile(0.99, freedom), freedom) == pytest.approx(0.99)
    assert below(-one_sided, freedom) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(("share", "freedom"), [(0.975, 0), (0.4, 3), (1.0, 3)])
def test_others_are_refused(share: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="at least one degree of freedom"):
        quantile(share, freedom)
