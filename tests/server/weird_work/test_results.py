"""Whatever work returns is answered: as JSON, or with the reason why it cannot be."""

from collections.abc import Iterator

import pytest

from server.tables import MODELS
from tests.support.server_process import asking
from tests.support.weird_work import NAMES, SERVERS, Victim, Weird, models_under, victim

NOT_JSON = "^the result is not JSON: "
RESULTS = [
    Weird("give?what=nan", 200, r'\{"a": null, "b": \[null\]\}'),
    Weird("give?what=big", 200),
    Weird("give?what=surrogate", 500, NOT_JSON + ".*surrogates not allowed"),
    Weird("give?what=cycle", 500, NOT_JSON + ".*Circular reference"),
    Weird("give?what=deep", 500, NOT_JSON),
]


@pytest.fixture(scope="module", params=SERVERS, ids=NAMES)
def weird(database: None, request: pytest.FixtureRequest) -> Iterator[Victim]:
    method, python = request.param
    models = ("--models", ",".join(models_under(method)))
    with victim(method, python, "tests.support.odd_results", *models) as started:
        yield started


@pytest.mark.parametrize("model", MODELS)
async def test_odd_results_are_answered(model: str, weird: Victim) -> None:
    async with asking(weird.server) as client:
        await client.need(model)
        for work in RESULTS:
            await weird.survives(client, model, work)
