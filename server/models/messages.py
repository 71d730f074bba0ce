"""What server and workers send each other: pickled calls, and answers that run no code."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from server.errors import WorkFailed
from server.models.base import Arguments
from server.worker.outcomes import raised
from server.worker.results import unpacked
from server.worker.timeline import Ran


class Job(NamedTuple):
    """One call for a worker, which does not start it after `until` (monotonic)."""

    function: Callable[..., Any]
    positional: tuple[Any, ...]
    named: Arguments
    until: float


def received(message: bytes | memoryview) -> Ran | WorkFailed:
    """Read a worker's answer: a Ran, or why the call or its result could not be sent."""
    try:
        answer = unpacked(message)
    except BaseException as error:  # noqa: BLE001 - a worker may have sent anything
        return not_sent(error)
    return not_sent(answer) if isinstance(answer, str) else answer


def pickled(job: Job) -> bytes:
    """Write a call for a worker. Raises WorkFailed if it does not pickle."""
    try:
        return pickle.dumps(tuple(job), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickling runs code of the arguments' own
        raise not_sent(error) from None


def not_sent(error: BaseException | str) -> WorkFailed:
    """The answer for a call that could not be sent, or whose result could not be sent back."""
    if isinstance(error, str):
        reasons = [error]
    else:
        # Executors report an error on the other side as the text of a traceback.
        traceback = raised(error.__cause__)[1] if error.__cause__ else ""
        reasons = [": ".join(raised(error))]
        reasons += re.findall(r"^\w*Error: .+$", traceback, re.MULTILINE)[:1]
    return WorkFailed(
        "the work or its result could not be sent between server and worker "
        f"({'; '.join(dict.fromkeys(reasons))})",
        "Functions, arguments and results must pickle.",
    )
