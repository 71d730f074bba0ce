"""Services of the user: what starts them or where they run, their variants, how they are described.

    --start 'shop=uvicorn shop:app --port {port} --workers {workers}' --vary workers=1,2
    --url 'old=http://127.0.0.1:8000' --pid 4711

A service of the user takes the place of a model, and a request that of a workload.
"""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any
from urllib.parse import urlsplit

import psutil

from loadtests.cell import Variation
from loadtests.service.command import missing_program
from loadtests.service.contract import Discovery, parts_of

NAME = re.compile(r"[A-Za-z0-9_][\w.+-]*")
PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
PORT = "port"
START_EXAMPLE = "--start 'shop=uvicorn shop:app --port {port}'"
URL_EXAMPLE = "--url shop=http://127.0.0.1:8000"
VARY_EXAMPLE = "--vary workers=1,2,4"
MOST_VARIANTS = 64

Varied = Mapping[str, tuple[str, ...]]  # the values of each placeholder, in order


@dataclass(frozen=True, slots=True)
class Guest:
    """A service of the user: a command that starts it, or the URL where it runs already.

    `pid` is the number of the process of one that runs here, or 0.
    """

    name: str
    command: str = ""
    url: str = ""
    pid: int = 0

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names in braces that its command has, beside the port."""
        names = dict.fromkeys(PLACEHOLDER.findall(self.command))
        return tuple(name for name in names if name != PORT)

    def variants(self, varied: Varied) -> Iterator[Variation]:
        """List its variants: every combination of the values that its command uses, in order."""
        names = [name for name in varied if name in self.placeholders]
        for values in product(*(varied[name] for name in names)):
            yield Variation(dict(zip(names, values, strict=True)))

    def words(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words of its command, with everything filled in but the port."""

        def filled(match: re.Match[str]) -> str:
            return match[0] if match[1] == PORT else values[match[1]]

        return tuple(
            PLACEHOLDER.sub(filled, word).replace("{{", "{").replace("}}", "}")
            for word in shlex.split(self.command)
        )

    def shown(self, values: Mapping[str, str]) -> str:
        """Return its command with these values, as people write it."""
        return shlex.join(self.words(values)).replace("'{port}'", "{port}")


def started(texts: Iterable[str]) -> tuple[Guest, ...]:
    """Read `NAME=COMMAND with {port}`. Raises ValueError for anything else."""
    return tuple(_started(text) for text in texts)


def _started(text: str) -> Guest:
    name, command = _named(text, "--start", START_EXAMPLE)
    try:
        words = shlex.split(command)
    except ValueError as error:
        reason = str(error).lower()
        raise ValueError(f"--start {name}: the command cannot be read: {reason}") from None
    if not words:
        raise ValueError(f"--start {name} has no command: expected e.g. {START_EXAMPLE}")
    if PORT not in PLACEHOLDER.findall(command):
        raise ValueError(
            f"--start {name}: the command has no {{port}}, so it would not listen on the port that "
            f"is chosen for it: add it, as in {START_EXAMPLE}"
        )
    return Guest(name, command=command)


def running(texts: Iterable[str]) -> tuple[Guest, ...]:
    """Read `NAME=URL`. Raises ValueError for anything else, and for hosts that are unknown."""
    return tuple(_running(text) for text in texts)


def _running(text: str) -> Guest:
    name, url = _named(text, "--url", URL_EXAMPLE)
    if why := _no_address(url):
        raise ValueError(f"--url {name}: {url!r} {why}: expected e.g. {URL_EXAMPLE}")
    parts = urlsplit(url)
    try:
        socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(
            f"--url {name}: the host {parts.hostname!r} does not resolve ({reason}): correct its "
            "name, or give its address"
        ) from None
    return Guest(name, url=url.rstrip("/"))


def _no_address(url: str) -> str:
    """Say why load cannot be sent to a URL; empty if it can."""
    parts = parts_of(url)
    if parts is None or parts.scheme not in {"http", "https"}:
        return "is not the URL of a service"
    if parts.username is not None:
        return "holds a user: send it in a header of the request instead"
    if parts.query or parts.fragment:
        return "has a query: it belongs to a request"
    return ""


def _named(text: str, flag: str, example: str) -> tuple[str, str]:
    name, equals, rest = text.partition("=")
    name, rest = name.strip(), rest.strip()
    if not equals or not NAME.fullmatch(name):
        raise ValueError(
            f"{flag} {text!r} does not begin with a name (letters, digits, - and _) and an equals "
            f"sign: expected e.g. {example}"
        )
    if not rest:
        raise ValueError(f"{flag} {name} has nothing after its name: expected e.g. {example}")
    return name, rest


def varied(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read `NAME=VALUE,…`. Raises ValueError for anything else."""
    values: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        name = name.strip()
        given = tuple(dict.fromkeys(value.strip() for value in rest.split(",") if value.strip()))
        if not equals or not re.fullmatch(r"\w+", name) or not given:
            raise ValueError(f"--vary {text!r}: expected e.g. {VARY_EXAMPLE}")
        if name == PORT:
            raise ValueError("--vary port: a free port is chosen for each service by itself")
        if name in values:
            raise ValueError(f"--vary {name} is given twice: list all values once, {VARY_EXAMPLE}")
        values[name] = given
    return values


def with_processes(guests: Sequence[Guest], texts: Iterable[str]) -> tuple[Guest, ...]:
    """Add what `--pid` says, `PID` or `NAME=PID`. Raises ValueError for what cannot be."""
    pids: dict[str, int] = {}
    remote = [guest.name for guest in guests if guest.url]
    for text in texts:
        name, equals, number = text.rpartition("=")
        if not equals and len(remote) != 1:
            raise ValueError(f"--pid {text}: say of which --url it is, e.g. --pid shop=4711")
        name = name if equals else remote[0]
        if name not in remote:
            raise ValueError(f"--pid {text}: no --url has the name {name!r}")
        if not number.isdecimal() or not psutil.pid_exists(int(number)):
            raise ValueError(f"--pid {text}: no process has the number {number!r} here")
        pids[name] = int(number)
    return tuple(replace(guest, pid=pids.get(guest.name, 0)) for guest in guests)


def check(guests: Sequence[Guest], values: Varied, directory: str) -> None:
    """Raise ValueError for what does not fit together, or cannot be started."""
    names = [guest.name for guest in guests]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two services are called {name!r}: give each a name of its own")
    used = {name for guest in guests for name in guest.placeholders}
    for name in values:
        if name not in used:
            where = "no command has" if any(guest.command for guest in guests) else "no --start has"
            raise ValueError(f"--vary {name} has no effect: {where} {{{name}}}")
    for guest in guests:
        if guest.command:
            _check_command(guest, values, directory)


def _check_command(guest: Guest, values: Varied, directory: str) -> None:
    flag = f"--start {guest.name}"
    for name in guest.placeholders:
        if name not in values:
            raise ValueError(
                f"{flag}: nothing fills {{{name}}}: add e.g. --vary {name}=1,2 "
                f"(or write {{{{{name}}}}} for braces that the command needs itself)"
            )
    count = prod(len(values[name]) for name in guest.placeholders)
    if count > MOST_VARIANTS:
        raise ValueError(f"{flag} has {count} variants: at most {MOST_VARIANTS} are measured")
    for variation in guest.variants(values):
        if program := missing_program(guest.words(variation.options)[0], directory):
            raise ValueError(
                f"{flag}: the program {program!r} does not exist: give its path, or activate the "
                "environment that has it"
            )


def discovery(guests: Sequence[Guest], requests: Sequence[str], varied: Varied) -> Discovery:
    """Describe services and requests (by their labels) as our own server describes itself."""
    names = [guest.name for guest in guests]
    return Discovery(
        models={guest.name: _described(guest, varied) for guest in guests},
        workloads={label: {"models": names, "parameters": {}} for label in requests},
        runtime={},
    )


def _described(guest: Guest, varied: Varied) -> dict[str, Any]:
    values = {name: list(varied[name]) for name in guest.placeholders if name in varied}
    return {"command": guest.command, "url": guest.url, "varied": values}


def settings(guest: Guest, variation: Variation, varied: Varied) -> dict[str, Any]:
    """Return the runtime of a variant: how it was started, and what else is measured."""
    return {
        "service": guest.name,
        "command": guest.shown(variation.options),
        "url": guest.url,
        "values": dict(variation.options),
        "varied": {name: list(varied[name]) for name in variation.options},
    }
