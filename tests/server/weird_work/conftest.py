"""A server for each start method, on each Python, whose models run all kinds of weird work."""

from collections.abc import Iterator

import pytest

from tests.support.weird_work import NAMES, SERVERS, Victim, models_under, victim

WORKLOADS = tuple(f"tests.support.odd_{what}" for what in ("results", "errors", "coroutines"))


@pytest.fixture(scope="session", params=SERVERS, ids=NAMES)
def weird(database: None, request: pytest.FixtureRequest) -> Iterator[Victim]:
    method, python = request.param
    models = ("--models", ",".join(models_under(method)))
    with victim(method, python, ",".join(WORKLOADS), *models) as started:
        yield started
