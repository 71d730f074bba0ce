"""What a concurrency model is: one way to run a piece of work from a request handler.

Models never know workloads: they receive callables and arguments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.errors import WorkFailed
from server.settings import Settings
from server.worker.timeline import Ran, Timeline

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """The forms that one workload has: a model takes the one that it can run."""

    function: Callable[..., Any]
    native: Callable[..., Awaitable[Any]] | None
    stages: tuple[tuple[str, Callable[..., Any]], ...]


# What the server promises under overload and faults, and what each promise means.
PROMISES = {
    "bounded": "refuses at once, with 503, what would wait for too long",
    "expires_queued": "never starts work that has waited past its deadline",
    "kills_late": "ends work that runs past its deadline, and has its worker back",
    "cancels_queued": "never starts work whose client has hung up",
    "kills_abandoned": "ends work whose client has hung up, and has its worker back",
    "survives_crash": "lives on when the work takes its interpreter down: the call is tried once "
    "more, and no other call fails",
    "drains": "answers at SIGTERM what it has accepted",
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
        """What can be kept by work that needs both."""
        return Promises({**other.cannot, **self.cannot})


class Model(ABC):
    """One way to run work: start it, run any number of times at once, stop it.

    `doc` and `promises` stand in discovery; `needs` names models that this one is made of, which
    the constructor receives after the settings. A model that is not there `by_default` runs only
    where it is asked for.
    """

    doc: ClassVar[str]
    promises: ClassVar[Promises] = Promises()
    needs: ClassVar[tuple[str, ...]] = ()
    by_default: ClassVar[bool] = True
    sized_by: ClassVar[str | None] = None  # the option that sets how many calls it runs at once

    @classmethod
    def missing(cls, settings: Settings) -> str | None:
        """Say what this model lacks to run here and what would help, or None."""
        return None

    def __init__(self, settings: Settings, *needed: Model) -> None:
        self.settings = settings

    async def start(self) -> None:  # noqa: B027 - most models have nothing to start
        """Make the model ready: the first request must not pay for it."""

    async def stop(self) -> None:  # noqa: B027 - nor anything to stop
        """Release what `start` took, without waiting for work that still runs."""

    def impossible(self, work: Work) -> str | None:
        """Say why this work cannot run under this model, or None."""
        return None

    async def run(self, work: Work, arguments: Arguments, timeline: Timeline) -> Any:
        """Run the work, stamp the timeline and return the result.

        Raises WorkFailed, Refused or Expired.
        """
        return await self.call(work.function, (), arguments, timeline)

    @abstractmethod
    async def call(
        self,
        function: Callable[..., Any],
        positional: tuple[Any, ...],
        named: Arguments,
        timeline: Timeline,
    ) -> Any:
        """Run one function as one stage of a request; raises as `run` does."""

    def gauges(self) -> dict[str, int]:
        """Slots, busy, queued and abandoned now; what was refused or lost since the start."""
        return {}

    def workers(self) -> list[dict[str, Any]]:
        """The state of each worker, where the model knows it: pid, state, age of its call."""
        return []


def result_of(ran: Ran) -> Any:
    """Unpack what a worker brought back. Raises WorkFailed with what the work raised."""
    if ran.failure is not None:
        kind, message = ran.failure
        if not kind:
            raise WorkFailed(message, "The answer is written as JSON: return plain data.")
        raise WorkFailed(
            f"the work raised {kind}: {message}" if message else f"the work raised {kind}",
            "The failure is the workload's own; the server and its workers go on.",
        )
    return ran.result
