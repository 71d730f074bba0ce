"""What travels between the server and its workers: pickled calls, and pickled answers."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from server.errors import WorkFailed
from server.models.base import Arguments
from server.worker.outcomes import raised
from server.worker.timeline import Ran


class Job(NamedTuple):
    """One call for a worker; past `until` (monotonic) it is not begun any more."""

    function: Callable[..., Any]
    positional: tuple[Any, ...]
    named: Arguments
    until: float


def opened(message: bytes | memoryview) -> Ran | WorkFailed:
    """Read a worker's answer: a Ran, or why call or result did not travel."""
    try:
        answer: Ran | str = pickle.loads(message)  # noqa: S301 - our own worker's
    except BaseException as error:  # noqa: BLE001 - unpickling runs code of the result's own
        return untravelled(error)
    return untravelled(answer) if isinstance(answer, str) else answer


def pickled(job: Job) -> bytes:
    """Write a call for a worker to answer. Raises WorkFailed for what does not pickle."""
    try:
        return pickle.dumps(tuple(job), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickling runs code of the arguments' own
        raise untravelled(error) from None


def untravelled(error: BaseException | str) -> WorkFailed:
    """The answer for a call that no worker could receive, or whose result could not come back."""
    if isinstance(error, str):
        reasons = [error]
    else:
        # Executors give what happened on the other side as the text of a traceback.
        elsewhere = str(error.__cause__ or "")
        reasons = [": ".join(raised(error))]
        reasons += re.findall(r"^\w*Error: .+$", elsewhere, re.MULTILINE)[:1]
    return WorkFailed(
        f"the work could not travel to its worker and back ({'; '.join(dict.fromkeys(reasons))})",
        "Functions, arguments and results must pickle.",
    )
