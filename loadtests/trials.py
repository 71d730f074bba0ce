"""The trials of one cell: run, judged, repeated where they prove nothing, and remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Any

from loadtests.connections import Connections
from loadtests.hammer import SETTLE_S, Hammer
from loadtests.options import Options
from loadtests.search import Capacity
from loadtests.subject import Subject
from loadtests.trial import Trial, Verdict, judge

TRIES = 3  # for a trial that proves nothing
WARM_UP = 5  # requests before a cell is measured: imports, caches, and whether it works at all


class Untrustworthy(Exception):
    """A cell cannot be measured, not at this rate; the message says why."""

    def __init__(self, reason: str, rate: float = 0.0) -> None:
        super().__init__(reason)
        self.rate = rate


@dataclass(frozen=True, slots=True)
class Held:
    """A load that held, and what the server's processes consumed under it."""

    trial: Trial
    cpu_ms_per_request: float | None
    pss_mib: float | None


class Trials:
    """Measures one cell for the search.

    `show` is told each rate before its trial, `tell` is given every trial as plain data.
    """

    def __init__(
        self,
        hammer: Hammer,
        subject: Subject | None,
        options: Options,
        show: Callable[[float], None],
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._hammer = hammer
        self._subject = subject
        self._options = options
        self._show = show
        self._tell = tell
        self._count = self._discarded = 0
        self._broke_by: dict[float, str | None] = {}
        self.held: list[Held] = []

    def measure(self, rate: float, duration_s: float) -> Verdict:
        """Run one valid trial. Raises Untrustworthy when none can be had."""
        for _ in range(TRIES):
            verdict = self._once(rate, duration_s)
            if verdict.valid:
                return verdict
            self._discarded += 1
        reason = f"{TRIES} trials at {rate:.0f}/s prove nothing: {verdict.reasons[0]}"
        raise Untrustworthy(reason, rate)

    def _once(self, rate: float, duration_s: float) -> Verdict:
        options, begun = self._options, monotonic()
        self._count += 1
        self._show(rate)
        rng = Random(f"{options.seed}/{rate}/{self._count}")  # noqa: S311 - a schedule, no secret
        before = self._subject.usage() if self._subject else None
        trial = self._hammer.trial(rate, duration_s, options.slo, options.arrivals, rng)
        after = self._subject.usage() if self._subject else None
        verdict = judge(trial, options.slo)
        if verdict.valid and not verdict.held:
            self._broke_by[rate] = verdict.broke_by
        cpu = None
        if before and after:
            cpu = 1e3 * (after.cpu_s - before.cpu_s) / (rate * (trial.duration_s + SETTLE_S))
        if verdict.held:
            self.held.append(Held(trial, cpu, after.pss_mib if after else None))
        said = trial.to_json()
        for side, counted in (("work", trial.work), ("bystander", trial.bystander)):
            said[side]["loss_ratio"] = counted.loss_ratio
        self._tell(
            {
                **{
                    name: value for name, value in said.items() if name not in {"workload", "model"}
                },
                "valid": verdict.valid,
                "held": verdict.held,
                "broke_by": verdict.broke_by,
                "reasons": list(verdict.reasons),
                "cpu_ms_per_request": cpu,
                "elapsed_s": round(monotonic() - begun, 3),
            }
        )
        return verdict

    def report(self, found: Capacity) -> dict[str, Any]:
        """What to say of the cell beside its capacity."""
        held = [one for one in self.held if one.trial.rate <= found.held]
        best = max(held, key=_rate, default=None)
        beyond = [rate for rate in self._broke_by if rate > found.held]
        # Where the generator was the limit, the search knows of no break, but a trial may.
        broke = min(beyond, default=None) if found.broke is None else found.broke
        return {
            "held": round(found.held, 2),
            "broke": None if broke is None else round(broke, 2),
            "interval": [round(found.held, 2), None if broke is None else round(broke, 2)],
            "complete": found.complete,
            "trials": self._count,
            "discarded": self._discarded,
            "bystander_p99_ms": best.trial.bystander.p99_ms if best else None,
            "cpu_ms_per_request": best.cpu_ms_per_request if best else None,
            "pss_mib": best.pss_mib if best else None,
            "peak_goodput": max((one.trial.work.goodput for one in held), default=None),
            "broke_by": self._broke_by[min(beyond)] if beyond else None,
        }


def _rate(one: Held) -> float:
    return one.trial.rate


def expected_answer(url: str, path: str) -> bytes:
    """Try a cell a few times, and learn which bytes tell a right answer of it.

    Raises Untrustworthy when it does not answer so.
    """
    connections = Connections(url)
    bodies = []
    for _ in range(WARM_UP):
        status, body = connections.get(path)
        if status != 200:
            raise Untrustworthy(problem(path, status, body))
        bodies.append(body)
    connections.close()
    results = {body[body.find(b'"result"') : body.find(b'"worker"')] for body in bodies}
    return results.pop() if len(results) == 1 else b'"result"'


def problem(path: str, status: int, body: bytes) -> str:
    """Say in the service's own words why there is no result."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = "no reason was given"
    return f"GET {path} answers {status}: {message}"
