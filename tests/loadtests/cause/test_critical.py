"""How busy a resource may be follows from the objective, and from how its service times vary."""

import pytest

from loadtests.cause.critical import critical


def test_a_resource_may_be_busier_under_a_loose_objective() -> None:
    tight, loose = (critical(1, 0.01, bound_s, 0.01) for bound_s in (0.03, 0.25))
    assert tight == pytest.approx(0.32, abs=0.04)  # M/D/1: the wait of 1 % exceeds two services
    assert loose == pytest.approx(0.91, abs=0.03)
    many = critical(2, 0.01, 0.25, 0.01)
    assert many is not None
    assert loose is not None
    assert many > loose
    assert critical(1, 0.01, 0.009, 0.01) is None
    varied = critical(1, 0.01, 0.25, 0.01, (0.001, 0.001, 0.001, 0.1))
    assert varied is not None
    assert varied < loose - 0.1
