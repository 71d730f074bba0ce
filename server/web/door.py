"""Whose requests are answered: no web page of another site may make this server work.

A browser sends the requests of the pages that it shows, also to servers on its own machine. It
adds headers that no page can forge: `Origin` and `Sec-Fetch-Site` say where the page is from, and
`Host` is the name by which it reached the server. Programs send neither of the first two.

`Host` matters because a site can point one of its own names at this machine (DNS rebinding). Its
pages then have the origin of the server. This takes a name in the public DNS, so addresses are
safe, and so are names without a dot, which only the local network can resolve.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.hdrs import HOST, ORIGIN
from multidict import istr

from server.errors import Forbidden

SITE = istr("Sec-Fetch-Site")
ELSEWHERE = {"cross-site", "same-site"}  # the latter is another port: another program
SELF = IPv6Address("::1")
REMEMBERED = 1024  # accepted values of Host: checking one costs 10 µs


class Door:
    """Checks requests to a server that listens on `host`; `allowed` are more names for it.

    A server that listens on loopback has only the names of loopback. Any other also has all
    addresses, and all names without a dot.
    """

    def __init__(self, host: str, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._names = {"localhost", host.lower(), *self._allowed}
        self._wide = is_wide(host)
        if self._wide:
            self._names.add(socket.gethostname().lower())
        self._known: set[str | None] = {None, ""}  # from HTTP/1.0 clients, so not from browsers

    def name(self, request: web.Request) -> None:
        """Raise Forbidden if the request names another host."""
        host = request.headers.get(HOST)
        if host not in self._known:
            self._learn(host)

    def work(self, request: web.Request) -> None:
        """Raise Forbidden also for a page of another origin."""
        headers = request.headers
        host = headers.get(HOST)
        if host not in self._known:
            self._learn(host)
        origin = headers.get(ORIGIN)
        if origin is not None:
            if not self._is_own(origin, host):
                raise _foreign(repr(origin))
        elif headers.get(SITE) in ELSEWHERE:
            raise _foreign("another site")

    def _learn(self, host: str | None) -> None:
        if not self._is_right(_name(f"//{host}")):
            raise Forbidden(
                f"this server does not answer to the name {host!r}",
                "Use its address, or start it with --allow-host and that name.",
            )
        if len(self._known) < REMEMBERED:
            self._known.add(host)

    def _is_right(self, name: str) -> bool:
        if name in self._names:
            return True
        address = _address(name)
        if address is None:
            return self._wide and name != "" and "." not in name
        return self._wide or _is_loopback(address)

    def _is_own(self, origin: str, host: str | None) -> bool:
        return origin.lower() == f"http://{host}".lower() or _name(origin) in self._allowed


def is_wide(host: str) -> bool:
    """Whether other machines can reach a server that listens there."""
    return host != "localhost" and not _is_loopback(_address(host))


def _foreign(origin: str) -> Forbidden:
    return Forbidden(
        f"a page of {origin} may not start work here",
        "Open the page at / of this server, ask with curl, or start the server with --allow-host "
        "and the name of that page's host.",
    )


def _name(url: str) -> str:
    """Return the host of a URL, or nothing if it cannot be parsed."""
    try:
        return (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _is_loopback(address: IPv4Address | IPv6Address | None) -> bool:
    """Whether browsers treat it as this machine; to others they send no `Sec-Fetch-Site`.

    So an IPv4 address written as an IPv6 address does not count.
    """
    return address == SELF or (isinstance(address, IPv4Address) and address.is_loopback)
