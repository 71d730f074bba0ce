"""Find what limits a service that reports nothing of itself, and what would help, from outside."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from loadtests.capacity.demands import Limit
from loadtests.cause.gain import gain
from loadtests.cause.remedy import Choice, DiagnosedCell, Remedy, Unproven
from loadtests.cause.symptoms import Finding, Symptoms, milliseconds
from loadtests.trial.admitted import Admitted
from loadtests.trial.evidence import Evidence
from loadtests.wording import count_of, rate_text

ONE_CORE = 1.25  # with one GIL a process computes on one core, and C code on a bit more
LIMITER = 40
USE_LIMITER = ("uvicorn", "fastapi", "starlette", "hypercorn", "granian")
ANYIO = (
    "40 is the default of AnyIO's thread limiter, in which FastAPI and Starlette run `def` "
    "handlers: raise its total_tokens, or make the handler `async def` and await what it waits for"
)
# Placeholders that size what is let in, by parts of their names, the likeliest first.
SIZES = ("thread", "pool", "conn", "limit", "concurr", "worker", "process")
PROCESSES = ("worker", "process")
PROCESS_ADVICE = "start more worker processes (e.g. --workers of uvicorn or gunicorn)"
AWAIT_ADVICE = (
    "await instead of blocking (an asynchronous client, or asyncio.to_thread); in FastAPI and "
    "Starlette, a plain `def` handler runs in a thread"
)


class _Observed(Protocol):
    @property
    def evidence(self) -> Evidence: ...


S = TypeVar("S", bound=_Observed)
R = TypeVar("R")


def either(ours: Callable[[S], R], theirs: Callable[[S], R]) -> Callable[[S], R]:
    """Return the function for a service that reports on itself, or for one that does not."""

    def chosen(subject: S) -> R:
        return (theirs if subject.evidence.admitted else ours)(subject)

    return chosen


def pool(symptoms: Symptoms) -> Finding | None:
    """A service that lets only so many requests in at a time."""
    known, evidence = symptoms.evidence.admitted, symptoms.evidence
    if known is None or known.slots is None or known.blocked:
        return None
    busy = min(evidence.completed * known.service_s / known.slots, 1.0)
    quotient = symptoms.quotient(busy, known.slots, known.service_s)
    if quotient < symptoms.nearly:
        return None
    sentence = (
        f"it lets {count_of(known.slots, 'request')} in at a time, for "
        f"{milliseconds(known.service_s)} each: {rate_text(known.rate)}/s{_idle(symptoms)}"
    )
    return Finding("pool", sentence, _numbers(known, symptoms), quotient)


def blocked(symptoms: Symptoms) -> Finding | None:
    """A process that serves nothing else while it serves a request, although it only waits."""
    known, evidence = symptoms.evidence.admitted, symptoms.evidence
    if known is None or not known.blocked or symptoms.cores_full:
        return None
    busy = min(evidence.completed * known.service_s / known.servers, 1.0)
    if symptoms.quotient(busy, known.servers, known.service_s) < symptoms.nearly:
        return None
    whose = "it serves" if known.servers == 1 else f"each of {known.servers} processes serves"
    sentence = (
        f"{whose} one request at a time, for {milliseconds(known.service_s)} each, and other "
        f"requests wait meanwhile ({milliseconds(known.beside_s or 0.0)}){_idle(symptoms)}"
    )
    return Finding("loop blocked", sentence, _numbers(known, symptoms))


def one_core(symptoms: Symptoms) -> Finding | None:
    """Processes that compute on one core each, the most that one GIL or event loop allows."""
    known, used = symptoms.evidence.admitted, symptoms.evidence.server_cores
    if known is None or used is None or known.servers >= symptoms.evidence.cores:
        return None
    process_cores = used / known.servers
    quotient = symptoms.quotient(process_cores, known.servers, symptoms.each_s(used))
    if quotient < symptoms.nearly or process_cores > ONE_CORE:
        return None
    whose = "its process" if known.servers == 1 else f"each of its {known.servers} processes"
    cost = f"{process_cores:.2f} of a core, {milliseconds(symptoms.each_s(used))} per request"
    sentence = f"{whose} used {cost}: one GIL, or one event loop, allows no more"
    numbers = {"process_cores": process_cores, "servers": float(known.servers)}
    return Finding("one core", sentence, numbers, quotient)


def nothing(_: Symptoms) -> None:
    """Find nothing: it is not visible from outside."""


def _idle(symptoms: Symptoms) -> str:
    if symptoms.busy_cores is None:
        return " (whether its cores idle is not visible from here)"
    idle = max(symptoms.evidence.cores - symptoms.busy_cores, 0.0)
    return f", while {idle:.1f} of {count_of(symptoms.evidence.cores, 'core')} idle"


def _numbers(known: Admitted, symptoms: Symptoms) -> Mapping[str, float]:
    numbers = {
        "slots": float(known.slots or 0),
        "slots_low": known.slots_low,
        "slots_high": known.slots_high,
        "servers": float(known.servers),
        "each_ms": 1000 * known.service_s,
        "admitted_rate": known.rate,
    }
    if symptoms.busy_cores is not None:
        numbers["idle_cores"] = max(symptoms.evidence.cores - symptoms.busy_cores, 0.0)
    return numbers


def let_in_more(cell: DiagnosedCell) -> Choice:
    """Take a larger value of what varies, else say where the number comes from."""
    if larger := _larger(cell, SIZES, ("slots",)):
        return larger
    advice = _limiter(cell) or _option(cell) or "more threads, workers or connections let in more"
    return Unproven("nothing that varies in this run changes how many it lets in", advice)


def unblock(cell: DiagnosedCell) -> Choice:
    return _larger(cell, PROCESSES, ("loop", "gil")) or Unproven(
        "its code has to change", AWAIT_ADVICE
    )


def more_processes(cell: DiagnosedCell) -> Choice:
    return _larger(cell, PROCESSES, ("loop", "gil")) or Unproven(
        "nothing that varies in this run adds processes", PROCESS_ADVICE
    )


def _larger(cell: DiagnosedCell, parts: tuple[str, ...], limits: tuple[str, ...]) -> Remedy | None:
    """Return the next larger value of the likeliest placeholder, if another row has one."""
    values: Mapping[str, str] = _mapping(cell.settings.get("values"))
    varied: Mapping[str, Any] = _mapping(cell.settings.get("varied"))
    for part in parts:
        for name, value in values.items():
            if part not in name.lower() or not value.isdecimal() or not int(value):
                continue
            larger = [int(v) for v in varied.get(name, ()) if v.isdecimal() and int(v) > int(value)]
            if not larger:
                continue
            factor = min(larger) / int(value)
            expected = gain(
                cell.evidence, cell.limits, cell.rate, limits[0], dict.fromkeys(limits, factor)
            )
            if isinstance(expected, Limit):
                continue
            change = f"{min(larger)} {name} instead of {value}"
            return Remedy(change, {"vary": f"{name}={min(larger)}"}, {}, None, expected)
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _limiter(cell: DiagnosedCell) -> str:
    """Recognise the default limit of a framework, if the range and the command both allow it."""
    known, command = cell.evidence.admitted, str(cell.settings.get("command") or "")
    if known is None or not any(name in command for name in USE_LIMITER):
        return ""
    low, high = known.slots_low / known.servers, known.slots_high / known.servers
    return ANYIO if low - 0.5 <= LIMITER <= high + 0.5 else ""


def _option(cell: DiagnosedCell) -> str:
    """Name the option of its command that has this number, in each process or in all."""
    known = cell.evidence.admitted
    if known is None or known.slots is None:
        return ""
    numbers = {str(known.slots), str(round(known.slots / known.servers))}
    for flag, value in _flags(str(cell.settings.get("command") or "")):
        if value in numbers:
            return f"its command says `{flag} {value}`: raise that"
    return ""


def _flags(command: str) -> Iterator[tuple[str, str]]:
    """List the options of a command with the values that follow them."""
    words = shlex.split(command)
    for word, after in zip(words, [*words[1:], ""], strict=True):
        flag, equals, value = word.partition("=")
        if word.startswith("-"):
            yield flag, value if equals else after
