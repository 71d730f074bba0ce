"""Numbers, lists and unknown names as text, the same everywhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from math import floor, log10

DASH = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
# Where the time of a request goes, by the fields of `load.answer.Stages`, in their order.
STAGE_NAMES = {
    "lag": "sent late",
    "outside": "waiting for the event loop",
    "queued": "queued",
    "dispatched": "handed over",
    "on_cpu": "computing",
    "off_cpu": "waiting in the work",
    "back": "handed back",
}


def rate_text(rate: float) -> str:
    """Round to three significant digits from 100 on, to two below."""
    if rate <= 0:
        return "0"
    digits = 2 if rate < 100 else 3
    places = digits - 1 - floor(log10(rate))
    return f"{round(rate, places):.{max(places, 0)}f}".removesuffix(".0")


def listing(names: Sequence[str]) -> str:
    """Join names as a sentence does: "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def count_of(number: float, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{number} {noun if number == 1 else plural}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def unknown(what: str, given: str, known: Collection[str], *, several: bool = True) -> str:
    """Say that a name is unknown, and what may have been meant: the nearest name, or all.

    `{}` in `what` is where the name goes, which else comes last.
    """
    close = get_close_matches(given, known, n=1)
    named = (what if "{}" in what else f"{what} {{}}").format(repr(given))
    if close:
        return f"unknown {named}; did you mean {close[0]!r}?"
    return f"unknown {named}; expected {', '.join(known)}" if several else f"unknown {named}"
