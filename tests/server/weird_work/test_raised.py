"""Whatever work raises is answered in its own words, and ends neither server nor worker."""

import re

import pytest

from server.tables import MODELS
from tests.support.odd_errors import TOO_LATE
from tests.support.server_process import asking
from tests.support.weird_work import Victim, Weird

UNKNOWN = "its text is unknown, because str() raised "
RAISED = {  # what is raised, and what the answer says of it
    "mute": f"Mute: {UNKNOWN}AttributeError",
    "leaving": f"Leaving: {UNKNOWN}SystemExit",
    "numeric": f"Numeric: {UNKNOWN}TypeError",
    "arguments": "OutOfStock: 3 wanted, 2 left",
    "hidden": "Hidden",
    "wordy": "Wordy: words",
    "huge": f"ValueError: {2000 * 'x'}… (20000000 characters)",
    "surrogate": "ValueError: \ud800",
    "markup": "ValueError: <b>\n\0",
    "late": f"TooLate: {TOO_LATE}",
    "nameless": f"an exception without a name: {TOO_LATE}",
    "circle": "ValueError: first",
    "noted": "ValueError: noted",
    "group": "ExceptionGroup: group (1 sub-exception)",
    "base-group": "BaseExceptionGroup: base (2 sub-exceptions)",
    "stop-async": "StopAsyncIteration: 1",
    "generator-exit": "GeneratorExit: over",
    "cancelled": "CancelledError: withdrawn",
    "timeout": "TimeoutError: too late",
    "broken": "BrokenProcessPool: not the server's",
    "interrupt": "KeyboardInterrupt: pressed",
    "exit": "SystemExit: leaving",
    "exit-code": "SystemExit: 3",
    "recursion": "RecursionError: maximum recursion depth exceeded",
    "memory": "MemoryError",
    "no-thread": "RuntimeError: can't start new thread",
    "no-class": "TypeError: exceptions must derive from BaseException",
    "eof": "EOFError: no more",
    "broken-pipe": "BrokenPipeError: [Errno 32] Broken pipe",
}
STOP = "StopIteration: 1"
OF_A_COROUTINE = "RuntimeError: coroutine raised StopIteration"  # what Python makes of it


@pytest.mark.parametrize("model", MODELS)
async def test_odd_exceptions_are_answered_in_their_own_words(model: str, weird: Victim) -> None:
    raised = {**RAISED, "stop": OF_A_COROUTINE if model == "async" else STOP}
    works = [
        Weird(f"fail_oddly?what={what}", 500, f"^the work raised {re.escape(words)}$")
        for what, words in raised.items()
    ]
    async with asking(weird.server) as client:
        if model not in weird.models:
            pytest.skip("it does not run here, or the same under another start method")
        await weird.survives(client, model, works)
