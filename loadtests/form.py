"""The fields of the form in the Locust UI, which are command-line options of Locust too."""

from __future__ import annotations

import sys
from typing import Any

from locust.argument_parser import get_empty_argument_parser

from loadtests.target import Discovery, TargetError, discover


def add_options(parser: Any) -> None:
    """Add our options to Locust's parser, with choices from the service that the form is for.

    They go to the parser itself: Locust loses what is in an argument group.
    """
    offered = None if "--headless" in sys.argv else _offered(_host())
    add = parser.add_argument
    for name, values, default, text in (
        ("workloads", offered and list(offered.workloads), "primes", "Workloads to run"),
        ("models", offered and _started(offered), "thread-pool", "Models to run them under"),
    ):
        choices = {"choices": values, "is_multiple": True} if values else {}
        add(f"--{name}", nargs="*", default=[default], help=text, **choices)
    add(
        "--load",
        choices=["open", "closed"],
        default="open",
        help="Open: one user is one arrival a second. Closed: one user is one client that waits",
    )
    add(
        "--arrivals",
        choices=["poisson", "uniform"],
        default="poisson",
        help="Open load: arrivals at random, or evenly spaced",
    )
    add(
        "--scenario",
        choices=["steady", "survival", "surge"],
        default="steady",
        help="Steady: the load of these fields. Survival: search what each cell bears. "
        "Surge: half of what a cell bears, 2.5 times that, and half again",
    )
    add("--slo", default="p99<250ms", help="Service-level objective of survival and surge")
    add("--mode", choices=["quick", "full"], default="quick", help="Care of the survival search")
    add(
        "--beyond",
        default="",
        help="Survival: trials beyond the peak, such as overload,soak=5m, or none "
        "(a full search has them all)",
    )
    add("--param", default="", help="Workload parameters, such as primes.below=5000,sleep.ms=5")
    add(
        "--prove",
        action="store_true",
        default=False,
        help="Survival: change what was blamed, and search again",
    )
    add("--seed", type=int, default=1, help="Seed of the arrivals")
    hidden = {"include_in_web_ui": False}
    add("--output", default="", help="Folder for the results of a survival search", **hidden)
    add("--searches", type=int, default=0, help="Survival: of each cell", **hidden)
    add("--budget", default="", help="Survival: no search begins after it", **hidden)
    add("--phases", default="5s,8s,15s", help="Surge: before, during and after it", **hidden)
    add("--servers", default="", help="How its servers are started, as JSON", **hidden)
    add(
        "--running-service",
        action="store_true",
        help="Survival: measure the service at --host as it is, and start none",
        **hidden,
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
    except TargetError:
        return None


def _started(offered: Discovery) -> list[str]:
    return [name for name, model in offered.models.items() if model["available"]]
