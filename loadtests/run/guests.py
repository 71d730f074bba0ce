"""Services of the user among the options of a run: read, and checked against all other options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from loadtests.capacity.sizing import BOUNDS, first_sizes
from loadtests.load.request_text import ParsedRequest, parse_request
from loadtests.run.options import HEADLINE_MODELS, HEADLINE_WORKLOADS, Options
from loadtests.service.chosen_guests import Guests
from loadtests.service.guests import (
    Guest,
    Varied,
    check,
    running,
    started,
    varied,
    with_processes,
)
from loadtests.service.options import ServerOptions, flags

# What is done beyond the peak with any service; the others kill workers, or request our models.
BEYOND = ("overload", "spike", "surge", "soak")
FIRST_SIZES = tuple(map(str, first_sizes(4, *BOUNDS)))  # of a search
OURS = "which only a server of this project has: leave it out, or leave out --start and --url"


def guests_of(options: Options) -> Guests | None:
    """Return the services of the user that a run measures; None if it measures our own server.

    Raises ValueError for options that do not fit together.
    """
    if not (options.services or options.urls):
        for flag, given in (
            ("--request", options.requests),
            ("--vary", options.vary),
            ("--pid", options.pids),
            ("--bystander", options.bystander),
        ):
            if given:
                raise ValueError(
                    f"{flag} belongs to a service of your own: add --start 'NAME=COMMAND' with "
                    "{port} in it, or --url NAME=URL"
                )
        return None
    if refused := next(_refused(options), None):
        raise ValueError(refused)
    guests = (*started(options.services), *running(options.urls))
    values: Varied = varied(options.vary)
    values = _with_sizes(guests, values, options.size)
    guests = with_processes(guests, options.pids)
    check(guests, values, options.servers.directory)
    folder = Path(options.servers.directory)
    requests = _requests(options.requests, folder)
    for guest in guests:
        for parsed in requests.values() if guest.url else ():
            parsed.below(guest.url)  # raises for another origin
    beside = parse_request(options.bystander, folder).spec if options.bystander else None
    directory = options.servers.directory
    return Guests(guests, values, requests, beside, directory, options.start_s)


def _with_sizes(guests: Sequence[Guest], values: Varied, sizes: Sequence[str]) -> Varied:
    """Add the sizes that a search begins with; raises ValueError for what no command has."""
    placeholders = {name for guest in guests for name in guest.placeholders}
    for name in sizes:
        if name not in placeholders:
            raise ValueError(f"--size {name}: no command of --start has {{{name}}} in it")
        if not all(value.isdecimal() for value in values.get(name, ())):
            raise ValueError(f"--size {name}: the values of --vary {name} are not whole numbers")
    begun = dict.fromkeys(sizes, ("1",)) | dict.fromkeys(sizes[:1], FIRST_SIZES)
    return {**values, **{name: some for name, some in begun.items() if name not in values}}


def _requests(texts: Sequence[str], folder: Path) -> dict[str, ParsedRequest]:
    """Read the columns, by their labels."""
    if not texts:
        raise ValueError("say what to send to your service, e.g. --request /orders")
    requests: dict[str, ParsedRequest] = {}
    for text in texts:
        parsed = parse_request(text, folder)
        label = parsed.spec.label
        if label in requests:
            raise ValueError(f"two requests are called {label!r}: add --label NAME to one of them")
        requests[label] = parsed
    return requests


def _refused(options: Options) -> Iterator[str]:
    """Say which options services of the user do not have."""
    ours = (
        (options.host, "--host is for a server of this project: write --url NAME=URL"),
        (
            options.workloads != HEADLINE_WORKLOADS,
            "--workloads names work of our server: with a service of your own, use --request",
        ),
        (
            options.models != HEADLINE_MODELS,
            "--models are those of our server: with a service of your own, use --vary",
        ),
        (options.parameters, "--param sets a parameter of our workloads: put it into --request"),
        (options.need, f"--need names a promise, {OURS}"),
        (options.prove, f"--prove relieves one resource of a server alone, {OURS}"),
    )
    yield from (why for given, why in ours if given)
    for kind in options.beyond:
        if kind not in BEYOND:
            yield f"--beyond {kind} needs models and faults, {OURS} ({', '.join(BEYOND)} work)"
    for flag in _server_options(options.servers):
        yield f"{flag} is an option of our server: put it into the command, with --vary"


def _server_options(servers: ServerOptions) -> Iterator[str]:
    yield from flags(servers.axes)
    yield from servers.modules
    yield from (f"--server-python={python.name}" for python in servers.pythons if python.name)


def with_usual(options: Options) -> Options:
    """Leave out what a full run does by default, and what needs our own server."""
    if not (options.services or options.urls):
        return options
    if options.beyond != Options.choose(mode="full").beyond:
        return options
    kept = {kind: time_s for kind, time_s in options.beyond.items() if kind in BEYOND}
    return replace(options, beyond=kept)
