"""The fields of the form in the Locust UI, which are command-line options of Locust too."""

from __future__ import annotations

import sys
from typing import Any

from locust.argument_parser import get_empty_argument_parser

from loadtests.errors import ServiceError
from loadtests.load.distributed.processes import HERE
from loadtests.service.contract import Discovery, discover
from loadtests.ui.shapes import LOADS
from loadtests.ui.turns import COMPARE

SERVICE = "http://127.0.0.1:8080"
_SEVERAL = "Ctrl or ⌘ to select several"
# Each scenario with the tab that it fills, and what it does.
SCENARIOS = {
    "steady": ("load", "a constant load"),
    COMPARE: ("compare", "the selected models in turns, each alone, at the same rate"),
    "steps": ("load", "a load that rises in steps to the number of users"),
    "spike": ("load", "a multiple of the number of users for a while"),
    "soak": ("load", "a constant load for long, to see what drifts"),
    "survival": ("survival", "the capacity of each model; the run sets the load itself"),
}
# Each option with its default, whose type is that of the option; a list has all choices, of which
# the first is the default. Their order is that of the form.
_FORM: dict[str, tuple[Any, str]] = {
    "scenario": (
        [*SCENARIOS],
        "; ".join(f"{name}: {text}" for name, (_, text) in SCENARIOS.items()),
    ),
    "param": ("", "e.g. primes.below=5000,sleep.ms=5"),
    "load": (
        ["open", "closed"],
        "open: each user is one request per second; closed: a client that waits for each answer",
    ),
    "slo": ("p99<250ms", "slower answers count as late"),
    "arrivals": (["poisson", "uniform"], "at random (Poisson), or evenly spaced"),
    "steps": (5, "how many, up to the number of users"),
    "spike": (4.0, "multiple of the number of users"),
    "mode": (["quick", "full"], "full takes hours and is for figures to publish"),
    "beyond": ("", "trials beyond the capacity, e.g. surge,soak=5m"),
    "baseline": ("", "what you have now, e.g. thread-pool"),
    "need": ("", "promises that a model must keep, e.g. kills-late,survives-crash"),
    "at-load": ("", "in requests per second: measure each model once at it"),
    "seed": (1, "same seed, same schedule"),
    "prove": (False, "verify each cause: relieve only that resource and measure again"),
}
# The fields that only some scenarios use, by their names in the page; all others are always shown.
FOR: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("userCount", "load"), LOADS),
    "spawnRate": ("steady", COMPARE),
    "host": LOADS,
    "arrivals": LOADS,
    **{name: (name,) for name in ("steps", "spike")},
    **dict.fromkeys(("mode", "beyond", "prove", "baseline", "need", "atLoad"), ("survival",)),
}
_HIDDEN: dict[str, tuple[Any, str]] = {
    "options": ("", "All options of the test as JSON, instead of the others"),
    "output": ("", "Folder for the results of a survival run"),
    "servers": ("", "How servers are started, as JSON"),
    "allow-host": ("", "Further host names for the UI, with commas"),
    "running-service": (
        False,
        "Survival: measure the service at --host instead of starting servers",
    ),
}
SHOWN = {"workloads", "models", *(name.replace("-", "_") for name in _FORM)}
CHOICES = {name: values for name, (values, _) in _FORM.items() if isinstance(values, list)}


def add_options(parser: Any) -> None:
    """Add our options to Locust's parser, with choices from the service that the form is for.

    Its UI is for this machine, unless another address is given: Locust's own default is every
    interface. The options go to the parser itself, because Locust loses argument groups.
    """
    parser.set_defaults(host=SERVICE, web_host=HERE)
    offered = None if "--headless" in sys.argv else _offered()
    workloads = offered and list(offered.workloads)
    models = offered and [name for name, model in offered.models.items() if model["available"]]
    _add(parser, "scenario")
    for name, values, default, text in (
        ("workloads", workloads, "primes", f"what to run; {_SEVERAL}"),
        ("models", models, "thread-pool", f"how to run it; {_SEVERAL}"),
    ):
        choices = {"choices": values, "is_multiple": True} if values else {}
        parser.add_argument(f"--{name}", nargs="*", default=[default], help=text, **choices)
    for name in (*_FORM, *_HIDDEN):
        if name != "scenario":
            _add(parser, name)


def _add(parser: Any, name: str) -> None:
    default, text = (_FORM | _HIDDEN)[name]
    match default:
        case list():
            kind = {"choices": default, "default": default[0]}
        case bool():
            kind = {"action": "store_true", "default": False}
        case _:
            kind = {"type": type(default), "default": default}
    parser.add_argument(f"--{name}", help=text, include_in_web_ui=name in _FORM, **kind)


def _offered() -> Discovery | None:
    """Ask the service at --host, which is read before the options: their choices depend on it."""
    parser = get_empty_argument_parser(add_help=False)
    parser.add_argument("-H", "--host", env_var="LOCUST_HOST", default=SERVICE)
    try:
        return discover(str(parser.parse_known_args()[0].host))
    except ServiceError:
        return None
