"""Small results of the standard library's types are written where they are, and no others."""

import dataclasses
import datetime
import decimal
import uuid
from typing import Any

import pytest

from server.worker.results import FEW, LARGE, harmless


@dataclasses.dataclass
class Order:
    number: uuid.UUID
    day: datetime.date
    total: decimal.Decimal
    lines: list[Any]


class Odd(Order):
    """It may have attributes that run code."""


ORDER = Order(uuid.UUID(int=1), datetime.date(2026, 11, 28), decimal.Decimal("1.20"), [{"a": 1}])


@pytest.mark.parametrize("result", [ORDER, [ORDER, ORDER], {"order": ORDER, "text": "x" * LARGE}])
def test_small_ones_are(result: object) -> None:
    assert harmless(result)


@pytest.mark.parametrize(
    "result",
    [
        [ORDER] * FEW,
        {"order": ORDER, "text": "x" * (LARGE + 1)},
        Odd(**vars(ORDER)),
        dataclasses.replace(ORDER, lines=[iter(())]),
        iter(()),
        object(),
    ],
)
def test_others_are_not(result: object) -> None:
    assert not harmless(result)
