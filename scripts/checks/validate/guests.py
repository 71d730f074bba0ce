"""Services of other people, measured as users do: what limits them is found from outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from loadtests.capacity.queueing import Queue
from loadtests.slo import Slo
from scripts.checks.shared.command import show
from scripts.checks.validate.case import Case, Finding, remark
from scripts.checks.validate.load import Unanswered
from scripts.checks.validate.testbed import Testbed
from scripts.checks.validate.whole_run import survival

APPS = "tests.support.guests"
PACKAGES = ("fastapi", "uvicorn", "flask", "gunicorn", "django", "hypercorn")
SLO = Slo.parse("p99<250ms")
ERROR = 0.15  # of a quick run, as of a queue that is known exactly
TAKES_MORE = 0.1  # a framework adds a few ms to what the handler waits for
COMPUTES = ("one core", "cores")
FREE = (*COMPUTES, "at generator limit")  # of coroutines that wait


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a request: the cause, and how many are let in at a time, for how long.

    `slots` is 0 where computing is the limit. `line` is in the code that the autopsy has to name.
    """

    causes: tuple[str, ...]
    slots: int = 0
    takes_s: float = 0.0
    line: str = ""

    @property
    def rates(self) -> tuple[float, float]:
        """The least and the highest capacity that agree with it: those of M/D/c queues."""
        queue = Queue(self.slots, SLO.bound_s)
        low, high = (
            queue.sustained(self.takes_s * factor, SLO.loss_ratio) for factor in (1 + TAKES_MORE, 1)
        )
        return low * (1 - ERROR), high * (1 + ERROR)


@dataclass(frozen=True, slots=True)
class Guest:
    """A service: the words after `python -m`, and what is known of each request to it."""

    command: str
    requests: Mapping[str, Truth]


def _waits(slots: int, takes_s: float = 0.1) -> Truth:
    return Truth(("pool",), slots, takes_s)


FASTAPI = f"uvicorn {APPS}.fastapi_app:app --port {{port}} --log-level warning"
FLASK = f"gunicorn {APPS}.flask_app:app --bind 127.0.0.1:{{port}}"
GUESTS = MappingProxyType(
    {
        "def": Guest(
            FASTAPI, {"/wait": _waits(40), "/customers/{number:1..5000}": _waits(5, 0.05)}
        ),
        "async": Guest(FASTAPI, {"/wait-async": Truth(FREE), "/compute": Truth(COMPUTES)}),
        "blocking": Guest(
            FASTAPI,
            {"/wait-blocking?ms=20": Truth(("loop blocked",), 1, 0.02, line="time.sleep")},
        ),
        "gthread": Guest(f"{FLASK} --threads 4", {"/wait": _waits(4)}),
        "sync": Guest(f"{FLASK} --workers 2", {"/wait": _waits(2)}),
        "django": Guest(
            f"gunicorn {APPS}.django_app:app --bind 127.0.0.1:{{port}} --threads 4",
            {"/wait": _waits(4)},
        ),
        "starlette": Guest(
            f"hypercorn {APPS}.starlette_app:app --bind 127.0.0.1:{{port}}", {"/wait": _waits(40)}
        ),
        "aiohttp": Guest(
            f"aiohttp.web -H 127.0.0.1 -P {{port}} {APPS}.aiohttp_app:app",
            {"/wait": Truth(FREE)},
        ),
    }
)


def guests(
    testbed: Testbed, services: Mapping[str, Guest] = GUESTS, number: str = "guests"
) -> Case:
    """Measure each service in a run of its own, and compare what it says with what is known."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise Unanswered(f"{missing[0]} is not installed; run scripts/setup dev")
    findings: list[Finding] = []
    for name, guest in services.items():
        for request, cell in _measured(name, guest, testbed).items():
            judged = [*against_truth(guest.requests[request], cell)]
            show(f"{name} {request}: {'; '.join(finding.shown for finding in judged)}")
            findings += [remark(f"{name} {request}"), *judged]
    return Case.of(number, "limits of other people's services are found from outside", findings)


def _measured(name: str, guest: Guest, testbed: Testbed) -> dict[str, Mapping[str, Any]]:
    """Return what the summary of a run says of each request. Raises Unanswered."""
    words = ["--start", f"{name}={sys.executable} -m {guest.command}", "--bystander", "/health"]
    words += ["--slo", str(SLO), *(("--budget", "1s") if testbed.fast else ())]
    words += [
        "--autopsy",
        "all" if any(truth.line for truth in guest.requests.values()) else "none",
    ]
    for place, request in enumerate(guest.requests):
        words += ["--request", f"{request} --label r{place}"]
    with survival(*words) as folder:
        cells = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["cells"]
    labelled = {cell["workload"]: cell for cell in cells}
    return {request: labelled[f"r{place}"] for place, request in enumerate(guest.requests)}


def against_truth(truth: Truth, cell: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare the cause, what is let in at a time, the capacity and the line of a cell."""
    if not cell["interval"]:
        yield Finding(f"{cell['state']}: {cell['error']}", False, "a result")
        return
    cause = cell["cause"] or cell["state"]
    yield Finding(cause, cause in truth.causes, " or ".join(truth.causes))
    numbers = (cell["cause_evidence"] or {}).get("numbers", {})
    slots, *ends = (numbers.get(name, 0.0) for name in ("slots", "slots_low", "slots_high"))
    if truth.slots or slots:
        holds = ends[0] - 0.5 <= truth.slots <= ends[1] + 0.5
        shown = f"{slots:.0f} at a time ({ends[0]:.1f}–{ends[1]:.1f})"
        yield Finding(shown, holds, f"{truth.slots}")
    if truth.slots:
        least, most = truth.rates
        low, high = cell["interval"]
        shown = f"{low:.1f}–{'∞' if high is None else f'{high:.1f}'}/s"
        yield Finding(shown, least <= cell["capacity"] <= most, f"{least:.1f}–{most:.1f}/s")
    if truth.line:
        guilty = cell["guilty"] or {}
        code = guilty.get("code") or guilty.get("reason") or "no line"
        yield Finding(f"guilty: {code}", truth.line in code, f"a line with {truth.line}")
