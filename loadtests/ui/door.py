"""Refuse what web pages of other sites send to the Locust UI: none may start a load test.

A browser sends the requests of any page, also to servers on its own machine. It adds headers that
no page can forge: `Origin` and `Sec-Fetch-Site` say where the page is from, and `Host` is the name
under which it found the server, which a site can point to this machine (DNS rebinding). Programs
send neither of the first two. The server under test has the same protection.

The door wraps Locust's whole application, so that no path and no error page bypasses it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READING = {"GET", "HEAD"}
ELSEWHERE = {"cross-site", "same-site"}  # the latter is another port, so another program
SELF = IPv6Address("::1")
EVERYWHERE = {"", "*"}  # how Locust writes all interfaces
# Locust lets pages of all origins read its answers, and show it in a frame, where a click may be
# meant for something else. It writes texts of errors into answers of type HTML.
NOT_SENT = "access-control-"
POLICY = "Content-Security-Policy"
RULES = (
    "default-src 'none'; script-src 'self'{}; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
NOSNIFF = ("X-Content-Type-Options", "nosniff")


class Door:
    """Checks the requests to a UI that listens on `host`; `allowed` are further names for it.

    `index` is the path of the page itself: links from other sites may lead there, and nowhere else.
    """

    def __init__(
        self, inner: WSGIApplication, host: str, allowed: Iterable[str], index: str
    ) -> None:
        self._inner = inner
        self._index = index
        self._allowed = frozenset(item.lower() for item in allowed)
        self._names = {"localhost", host.lower(), *self._allowed} - EVERYWHERE
        self._wide = host != "localhost" and not _is_loopback(_address(host))
        if self._wide:
            self._names.add(socket.gethostname().lower())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        why = self.refusal(environ)
        if why:
            body = json.dumps({"success": False, "message": why}).encode()
            length = ("Content-Length", str(len(body)))
            kind = ("Content-Type", "application/json")
            start_response("403 Forbidden", [kind, length, (POLICY, policy()), NOSNIFF])
            return [body]

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [item for item in headers if not item[0].lower().startswith(NOT_SENT)]
            if POLICY not in dict(kept):
                kept.append((POLICY, policy()))
            return start_response(status, [*kept, NOSNIFF], *more)

        return self._inner(environ, start)

    def refusal(self, environ: WSGIEnvironment) -> str | None:
        """Return why a request is refused and what to do; None if it is not."""
        host = environ.get("HTTP_HOST", "")
        if host and not self._is_right(_name(f"//{host}")):
            return (
                f"this UI does not answer to the name {host!r}; open it by its address, or start "
                "it with --allow-host and that name"
            )
        site = self._elsewhere(environ, host)
        return site and (
            f"a page of {site} may not use this UI, so nothing was done; open "
            f"{_scheme(environ)}://{host} itself, or start it with --allow-host and the name of "
            "that page's host"
        )

    def _elsewhere(self, environ: WSGIEnvironment, host: str) -> str | None:
        """Return the other site whose page sends this request; None if there is none."""
        reading = environ["REQUEST_METHOD"] in READING
        page = environ.get("HTTP_ORIGIN")
        if page is None:
            if environ.get("HTTP_SEC_FETCH_SITE") in ELSEWHERE:
                link = reading and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
                return None if link and environ["PATH_INFO"] == self._index else "another site"
            page = environ.get("HTTP_REFERER")
            if page is None or reading:
                return None
            page = "/".join(page.split("/")[:3])  # its origin, without the path
        own = f"{_scheme(environ)}://{host}".lower()
        return None if page.lower() == own or _name(page) in self._allowed else repr(page)

    def _is_right(self, name: str) -> bool:
        if name in self._names:
            return True
        address = _address(name)
        if address is None:
            return self._wide and name != "" and "." not in name
        return self._wide or _is_loopback(address)


def policy(nonce: str = "") -> str:
    """Return what pages may load and run: our files, and inline scripts that have the nonce."""
    return RULES.format(f" 'nonce-{nonce}'" if nonce else "")


def _scheme(environ: WSGIEnvironment) -> str:
    return str(environ["wsgi.url_scheme"])


def _name(url: str) -> str:
    """Return the host of a URL, or an empty string if it is invalid."""
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
    """Whether browsers trust it as this machine; to others they send no `Sec-Fetch-Site`.

    They do not trust an IPv4 address that is written as an IPv6 address.
    """
    return address == SELF or (isinstance(address, IPv4Address) and address.is_loopback)
