"""Whatever work returns is answered: as JSON, or with the reason why it cannot be."""

import re

import pytest

from server.tables import MODELS
from tests.support.server_process import asking
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
NOT_SENT = "^the work or its result could not be sent between server and worker"


def works(model: str) -> list[Weird]:
    if model != "interpreter-pool":
        return RESULTS
    either = f"|{NOT_SENT}|{NOT_JSON}"
    return [
        Weird(work.query, work.status, work.words if work.status == 200 else work.words + either)
        for work in RESULTS
        if work.query.partition("=")[2] not in LEAVES
    ]


@pytest.mark.parametrize("model", MODELS)
async def test_odd_results_are_answered(model: str, weird: Victim) -> None:
    async with asking(weird.server) as client:
        if model not in weird.models:
            pytest.skip("it does not run here, or the same under another start method")
        await weird.survives(client, model, works(model))
