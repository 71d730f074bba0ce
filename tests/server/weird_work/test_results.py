"""Whatever work returns is answered: as JSON, or with the reason why it cannot be."""

import asyncio
import re

import pytest

from server.tables import MODELS
from tests.support.odd_results import MB
from tests.support.server_process import asking, running
from tests.support.weird_work import Victim, Weird

NOT_JSON = "^the result is not JSON: "
UNKNOWN = NOT_JSON + "Unable to serialize unknown type: .*"
ITERATOR = NOT_JSON + r"it contains an iterator \({}\); return a list$"
JSON = {  # what is given, and the result in the answer
    "nan": '{"a": null, "b": [null]}',
    "big": "1" + 4000 * "0",
    "tuple-key": '{"1,2": 3}',
    "keys": '{"2": 1, "None": 2, "true": 3, "1.5": 4}',
    "bytes": '{"bytes": 3}',
    "bytearray": '{"bytes": 3}',
    "memoryview": '{"bytes": 3}',
    "inner-bytes": '{"a": "abc"}',
    "dataclass": '{"amount": "1.50"}',
    "set": "[3]",
    "frozen": "[[3]]",
    "deque": "[1, 2]",
    "ordered": '{"a": 1}',
    "named": "[1, 2]",
    "datetime": '"2026-01-02T00:00:00"',
    "enum": '["red"]',
    "complex": '"1j"',
    "model": "7",
}
FAILURES = {  # what is given, and a pattern for the message
    "surrogate": NOT_JSON + ".*surrogates not allowed",
    "cycle": NOT_JSON + ".*Circular reference detected",
    "deep": NOT_JSON,
    "deeper": NOT_JSON,
    "binary": NOT_JSON + ".*invalid utf-8",
    "array": UNKNOWN + "array",
    "inner-array": UNKNOWN + "array",
    "function": UNKNOWN + "builtin_function",
    "class": UNKNOWN + "type",
    "code": UNKNOWN + "code",
    "ellipsis": UNKNOWN + "ellipsis",
    "exception": UNKNOWN + "NoStock",
    "module": UNKNOWN + "module",
    "range": UNKNOWN + "range",
    "generator": ITERATOR.format("generator"),
    "inner-generator": ITERATOR.format("generator"),
    "map": ITERATOR.format("map"),
    "zip": ITERATOR.format("zip"),
    "file": ITERATOR.format("TextIOWrapper"),
    "coroutine": NOT_JSON + r"it contains what has to be awaited \(coroutine\)",
    "model-exit": NOT_JSON + ".*SystemExit|^the result is not JSON: leaving",
    "pickle-exit": UNKNOWN + "Pickled",
    "pickle-die": UNKNOWN + "Pickled",
    "pickle-recurse": UNKNOWN + "Deeper",
    "pickle-hang": UNKNOWN + "Pickled",
    "unpickle-exit": UNKNOWN + "Reduced",
    "unpickle-die": UNKNOWN + "Reduced",
    "unpickle-hang": UNKNOWN + "Reduced",
    "unpickle-eof": UNKNOWN + "Reduced",
}
RESULTS = [Weird(f"give?what={what}", 200, re.escape(text)) for what, text in JSON.items()]
RESULTS += [Weird(f"give?what={what}", 500, words) for what, words in FAILURES.items()]


LEAVES = {  # what no interpreter survives, nor can be kept from: it pickles whatever it returns
    *("pickle-die", "pickle-hang", "unpickle-die", "unpickle-hang")
}
MODELLED = {"model", "model-exit"}  # pydantic cannot be loaded there
NOT_SENT = "^the work or its result could not be sent between server and worker"


def works(model: str) -> list[Weird]:
    if model != "interpreter-pool":
        return RESULTS
    either = f"|{NOT_SENT}|{NOT_JSON}"
    return [
        Weird(work.query, work.status, work.words if work.status == 200 else work.words + either)
        for work in RESULTS
        if work.query.partition("=")[2] not in LEAVES | MODELLED
    ]


@pytest.mark.parametrize("model", MODELS)
async def test_odd_results_are_answered(model: str, weird: Victim) -> None:
    async with asking(weird.server) as client:
        if model not in weird.models:
            pytest.skip("it does not run here, or the same under another start method")
        await weird.survives(client, model, works(model))


@pytest.mark.parametrize("model", MODELS)
async def test_a_result_is_written_where_the_work_ran(model: str, weird: Victim) -> None:
    async with asking(weird.server) as client:
        if model not in weird.models - {"interpreter-pool"}:
            pytest.skip("it cannot return such a result")
        body = (await client.ask(f"/give/{model}?what=model-place")).json
        [where] = body["result"]
        if model == "async":  # the event loop's own thread is not the place for it
            assert where["pid"] == weird.server.pid
            assert where["thread"] != body["worker"]["thread"]
        else:
            assert where == body["worker"]


@pytest.mark.parametrize("model", MODELS)
async def test_large_results_arrive(model: str, weird: Victim) -> None:
    async with asking(weird.server) as client:
        if model not in weird.models:
            pytest.skip("it does not run here, or the same under another start method")
        text, rows, data = [
            (await client.ask(f"/give/{model}?what=long-{what}")).json["result"]
            for what in ("text", "list", "bytes")
        ]
        assert (len(text), {*text}) == (MB, {"é"})
        assert rows == [*range(MB // 10)]
        assert data == {"bytes": 5 * MB}


async def test_values_between_stages_may_be_odd(weird: Victim) -> None:
    async with asking(weird.server) as client:

        async def named(what: str, work: str) -> str:
            answer = await client.ask(f"/{work}/hybrid?what={what}")
            if answer.status == 200:
                assert answer.json["result"][0] == what
                return str(answer.json["result"][1])
            assert answer.status == 500
            return answer.error["message"]

        for what, kind in {"dataclass": "Price", "named": "Point", "deque": "deque"}.items():
            assert await named(what, "hand_on") == await named(what, "hand_over") == kind
        assert await named("generator", "hand_over") == "generator"
        assert "cannot pickle 'generator' object" in await named("generator", "hand_on")
        assert "raised TypeError: NoStock.__init__()" in await named("exception", "hand_on")
        assert (await client.ask("/noop/hybrid")).status == 200


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
async def test_a_result_that_hangs_while_it_is_written_ends_with_its_deadline(method: str) -> None:
    killing = ("process-per-request", "supervised-process-pool")
    own = ("--models", ",".join(("async", *killing)), "--processes", "1", "--deadline", "3s")
    works = ("--workloads", "tests.support.odd_results", "--start-method", method)
    with running(*own, *works, module="server") as server:
        async with asking(server) as client:
            paths = [f"/give/{model}?what=model-hang" for model in ("async", *killing)]
            hanging = asyncio.gather(*(client.ask(path) for path in paths))
            await client.until("async", busy=1)
            assert (await client.ask("/noop/async")).status == 200
            assert [answer.status for answer in await hanging] == [504, 504, 504]
            for model in killing:
                assert (await client.ask(f"/noop/{model}")).status == 200
                await client.until(model, busy=0)
