"""The fields of the form in the Locust UI, which are command-line options of Locust too."""

from __future__ import annotations

import sys
from typing import Any

from locust.argument_parser import get_empty_argument_parser

from loadtests.errors import ServiceError
from loadtests.service.contract import Discovery, discover
from loadtests.ui.shapes import SHAPES

_SEVERAL = "Ctrl or ⌘ for several, side by side"


def add_options(parser: Any) -> None:
    """Add our options to Locust's parser, with choices from the service that the form is for.

    They go to the parser itself: Locust loses what is in an argument group. Their order here is
    that of the form: what everybody chooses, and then what single scenarios know.
    """
    offered = None if "--headless" in sys.argv else _offered(_host())
    add = parser.add_argument
    for name, values, default, text in (
        (
            "workloads",
            offered and list(offered.workloads),
            "primes",
            f"the work to run; {_SEVERAL}",
        ),
        (
            "models",
            offered and _started(offered),
            "thread-pool",
            f"to run it under; {_SEVERAL}",
        ),
    ):
        choices = {"choices": values, "is_multiple": True} if values else {}
        add(f"--{name}", nargs="*", default=[default], help=text, **choices)
    for option, attributes in (*_COMMON, *_SINGLE):
        add(f"--{option}", **attributes)
    for option, attributes in _HIDDEN:
        add(f"--{option}", include_in_web_ui=False, **attributes)


def shown() -> set[str]:
    """Name the fields that the form shows of our options."""
    return {"workloads", "models", *(option for option, _ in (*_COMMON, *_SINGLE))}


def choices() -> dict[str, list[str]]:
    """Give what may be chosen in fields where it is always the same."""
    options = dict((*_COMMON, *_SINGLE))
    return {name: one["choices"] for name, one in options.items() if "choices" in one}


_COMMON: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "param",
        {"default": "", "help": "parameters of workloads, such as primes.below=5000,sleep.ms=5"},
    ),
    (
        "scenario",
        {
            "choices": ["steady", *SHAPES, "survival", "surge"],
            "default": "steady",
            "help": "steady: so many users; steps: up to them; spike: several times as many for a "
            "while; soak: for long, to see what drifts; survival: search what each cell bears; "
            "surge: half of what a cell bears, 2.5 times that, and half again",
        },
    ),
    (
        "load",
        {
            "choices": ["open", "closed"],
            "default": "open",
            "help": "open: a user is one arrival a second, whatever becomes of those before; "
            "closed: a user is a client that waits for each answer",
        },
    ),
    ("slo", {"default": "p99<250ms", "help": "the objective: what comes later is late"}),
    (
        "arrivals",
        {
            "choices": ["poisson", "uniform"],
            "default": "poisson",
            "help": "of an open load: at random, as people come, or evenly spaced",
        },
    ),
)
_SINGLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("steps", {"type": int, "default": 5, "help": "steps: how many, up to the number of users"}),
    ("spike", {"type": float, "default": 4.0, "help": "spike: how many times the users"}),
    (
        "mode",
        {
            "choices": ["quick", "full"],
            "default": "quick",
            "help": "survival: how carefully; full takes hours, and is what one publishes",
        },
    ),
    (
        "beyond",
        {
            "default": "",
            "help": "survival: trials beyond the peak, such as overload,soak=5m, or none "
            "(a full search has them all)",
        },
    ),
    (
        "prove",
        {
            "action": "store_true",
            "default": False,
            "help": "survival: change what was blamed, and search again",
        },
    ),
    ("seed", {"type": int, "default": 1, "help": "of the arrivals: the same once more"}),
)
_HIDDEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("options", {"default": "", "help": "All options of the test as JSON, instead of the others"}),
    ("output", {"default": "", "help": "Folder for the results of a survival search"}),
    ("phases", {"default": "5s,8s,15s", "help": "Surge: before, during and after it"}),
    ("servers", {"default": "", "help": "How its servers are started, as JSON"}),
    ("allow-host", {"default": "", "help": "Further host names for the UI, with commas"}),
    (
        "running-service",
        {
            "action": "store_true",
            "help": "Survival: measure the service at --host as it is, and start none",
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
