"""Read single words of a command line, each as what it means. All raise ValueError for others."""

from __future__ import annotations

import re
from math import inf

from loadtests.durations import parse_duration
from loadtests.run.beyond.kinds import chosen_kinds
from loadtests.run.options import names, parameters


def some(text: str) -> tuple[str, ...]:
    if not (found := names(text)):
        raise ValueError(f"{text!r} names nothing; write names with commas between them, or all")
    return found


def rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < inf:
        raise ValueError(f"{text!r} is no rate; write requests per second, such as 250")
    return rate


def single(text: str) -> tuple[str]:
    if "," in text or not text.strip():
        raise ValueError(f"{text!r} is not one workload; name one, such as primes")
    return (text.strip(),)


def hosts(text: str) -> tuple[str, ...]:
    for name in (found := names(text)):
        if not re.fullmatch(r"[\w.-]+", name):
            raise ValueError(f"{name!r} is not a host name; write it alone, e.g. bench.lan")
    return found


def setting(text: str) -> str:
    parameters(text)
    return text


def time(text: str) -> str:
    parse_duration(text)
    return text


def beyond(text: str) -> tuple[str, ...]:
    asked = names(text)
    chosen_kinds(asked, "quick")
    return asked
