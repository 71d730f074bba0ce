"""What a concurrency model is: one way to run a piece of work from a request handler.

Models know nothing about workloads: they receive callables and arguments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.errors import WorkFailed
from server.settings import Settings
from server.worker.timeline import Ran, Timeline

Function = Callable[..., Any]
Positional = tuple[Any, ...]
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """The forms of one workload; each model picks the one that it can run."""

    function: Callable[..., Any]
    native: Callable[..., Awaitable[Any]] | None
    stages: tuple[tuple[str, Callable[..., Any]], ...]


# What the server guarantees under overload and failure, and what each guarantee means.
PROMISES = {
    "bounded": "rejects a request that would wait too long, at once, with 503",
    "expires_queued": "never starts work that has waited past its deadline",
    "kills_late": "ends work that runs past its deadline and frees its worker",
    "cancels_queued": "never starts work whose client has disconnected",
    "kills_abandoned": "ends work whose client has disconnected and frees its worker",
    "survives_crash": "keeps running when work crashes its interpreter: the call is retried "
    "once, and no other call fails",
    "drains": "answers every request that it has accepted before SIGTERM",
}
CRASHES_SERVER = "it runs in the server's own process: a crash of the interpreter ends the server"


@dataclass(frozen=True, slots=True)
class Promises:
    """Which of PROMISES a model cannot keep, and why; it keeps all others."""

    cannot: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.cannot.keys() <= PROMISES.keys()

    def kept(self) -> dict[str, bool]:
        return {promise: promise not in self.cannot for promise in PROMISES}

    def __or__(self, other: Promises) -> Promises:
        """What work that needs both models can rely on."""
        return Promises({**other.cannot, **self.cannot})


class Model(ABC):
    """One way to run work: start it, run any number of calls at once, stop it."""

    doc: ClassVar[str]  # shown in discovery, as are the promises
    promises: ClassVar[Promises] = Promises()
    needs: ClassVar[tuple[str, ...]] = ()  # models it is built from: arguments of the constructor
    by_default: ClassVar[bool] = True  # False: started only when --models names it
    starts_processes: ClassVar[bool] = False  # through multiprocessing, by the --start-method
    sized_by: ClassVar[str | None] = None  # the option that sets how many calls it runs at once

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        """Why this model cannot run here and what would help, or None."""
        return None

    def __init__(self, settings: Settings, *needed: Model) -> None:
        self.settings = settings

    async def start(self) -> None:  # noqa: B027 - most models have nothing to start
        """Make the model ready, so that the first request does not pay for it."""

    async def stop(self) -> None:  # noqa: B027 - nor anything to stop
        """Release what `start` acquired, without waiting for work that is still running."""

    def impossible(self, work: Work) -> str | None:
        """Why this work cannot run under this model, or None."""
        return None

    def run(self, work: Work, arguments: Arguments, timeline: Timeline) -> Awaitable[Any]:
        """Run the work, stamp the timeline and return the result.

        Raises WorkFailed, Refused or Expired.
        """
        return self.call(work.function, (), arguments, timeline)

    @abstractmethod
    async def call(
        self, function: Function, positional: Positional, named: Arguments, timeline: Timeline
    ) -> Any:
        """Run one function as one stage of a request; raises as `run` does."""

    def gauges(self) -> dict[str, int]:
        """Slots, busy, queued and abandoned now; refused and lost calls since the start."""
        return {}

    def workers(self) -> list[dict[str, Any]]:
        """The state of each worker, if the model knows it: pid, state, age of its call."""
        return []


def result_of(ran: Ran) -> Any:
    """Unpack the result of a call. Raises WorkFailed with what the work raised."""
    if ran.failure is not None:
        raise failed(*ran.failure)
    return ran.result


def failed(kind: str, message: str) -> WorkFailed:
    """The answer for work that raised an exception of this kind, or whose result is not JSON."""
    if not kind:
        return WorkFailed(message, "The answer is written as JSON: return plain data.")
    return WorkFailed(
        f"the work raised {kind}: {message}" if message else f"the work raised {kind}",
        "The error is in the workload; the server and its workers keep running.",
    )
