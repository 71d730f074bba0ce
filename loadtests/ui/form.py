"""The fields of the form in the Locust UI, which are command-line options of Locust too."""

from __future__ import annotations

import sys
from typing import Any

from locust.argument_parser import get_empty_argument_parser

from loadtests.errors import ServiceError
from loadtests.service.contract import Discovery, discover
from loadtests.ui.shapes import SHAPES

_SEVERAL = "Ctrl or ⌘ to select several"


def add_options(parser: Any) -> None:
    """Add our options to Locust's parser, with choices from the service that the form is for.

    They go to the parser itself, because Locust loses argument groups. Their order is that of the
    form: the common ones first, then those of single scenarios.
    """
    offered = None if "--headless" in sys.argv else _offered(_host())
    add = parser.add_argument
    for name, values, default, text in (
        (
            "workloads",
            offered and list(offered.workloads),
            "primes",
            f"what to run; {_SEVERAL}",
        ),
        (
            "models",
            offered and _started(offered),
            "thread-pool",
            f"how to run it; {_SEVERAL}",
        ),
    ):
        choices = {"choices": values, "is_multiple": True} if values else {}
        add(f"--{name}", nargs="*", default=[default], help=text, **choices)
    for option, attributes in (*_COMMON, *_SINGLE):
        add(f"--{option}", **attributes)
    for option, attributes in _HIDDEN:
        add(f"--{option}", include_in_web_ui=False, **attributes)


def shown() -> set[str]:
    """Return the names of our options that the form shows."""
    return {"workloads", "models", *(option for option, _ in (*_COMMON, *_SINGLE))}


def choices() -> dict[str, list[str]]:
    """Return the choices of fields whose choices never change."""
    options = dict((*_COMMON, *_SINGLE))
    return {name: field["choices"] for name, field in options.items() if "choices" in field}


_COMMON: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "param",
        {"default": "", "help": "parameters of workloads, e.g. primes.below=5000,sleep.ms=5"},
    ),
    (
        "scenario",
        {
            "choices": ["steady", *SHAPES, "survival", "surge"],
            "default": "steady",
            "help": "steady: constant load; steps: rising to the number of users; spike: a "
            "multiple of it for a while; soak: for long, to see drift; survival: find the capacity "
            "of each cell; surge: half of a cell's capacity, then 2.5 times it, then half again",
        },
    ),
    (
        "load",
        {
            "choices": ["open", "closed"],
            "default": "open",
            "help": "open: each user is one request per second, sent on schedule; closed: each "
            "user is a client that waits for each answer",
        },
    ),
    (
        "slo",
        {
            "default": "p99<250ms",
            "help": "service-level objective, e.g. p99<250ms; slower answers count as late",
        },
    ),
    (
        "arrivals",
        {
            "choices": ["poisson", "uniform"],
            "default": "poisson",
            "help": "of an open load: at random (Poisson) or evenly spaced",
        },
    ),
)
_SINGLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("steps", {"type": int, "default": 5, "help": "steps: how many, up to the number of users"}),
    ("spike", {"type": float, "default": 4.0, "help": "spike: multiple of the number of users"}),
    (
        "mode",
        {
            "choices": ["quick", "full"],
            "default": "quick",
            "help": "survival: precision; full takes hours and is for figures to publish",
        },
    ),
    (
        "beyond",
        {
            "default": "",
            "help": "survival: trials beyond the capacity, e.g. overload,soak=5m, or none "
            "(default: all in full mode)",
        },
    ),
    (
        "prove",
        {
            "action": "store_true",
            "default": False,
            "help": "survival: verify each cause: relieve only that resource and search again",
        },
    ),
    (
        "seed",
        {
            "type": int,
            "default": 1,
            "help": "seed of the arrival schedule; same seed, same schedule",
        },
    ),
)
_HIDDEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("options", {"default": "", "help": "All options of the test as JSON, instead of the others"}),
    ("output", {"default": "", "help": "Folder for the results of a survival search"}),
    ("phases", {"default": "5s,8s,15s", "help": "Surge: durations before, during and after it"}),
    ("servers", {"default": "", "help": "How servers are started, as JSON"}),
    ("allow-host", {"default": "", "help": "Further host names for the UI, with commas"}),
    (
        "running-service",
        {
            "action": "store_true",
            "help": "Survival: measure the service at --host instead of starting servers",
        },
    ),
)


def _host() -> str:
    """Find --host before the options are parsed: the choices depend on it."""
    parser = get_empty_argument_parser(add_help=False)
    parser.add_argument("-H", "--host", env_var="LOCUST_HOST", default="http://127.0.0.1:8080")
    known, _ = parser.parse_known_args()
    return str(known.host)


def _offered(host: str) -> Discovery | None:
    try:
        return discover(host)
    except ServiceError:
        return None


def _started(offered: Discovery) -> list[str]:
    return [name for name, model in offered.models.items() if model["available"]]
