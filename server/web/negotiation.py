"""What a client prefers among the forms that an answer can have: RFC 9110, 12.5."""

from __future__ import annotations

import re

from aiohttp import web

RANGE = re.compile(r"\s*([^\s;,]+)\s*((?:;[^;]*)*)")
QUALITY = re.compile(r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?=;|$)", re.IGNORECASE)


def prefers(request: web.Request, kind: str, other: str) -> bool:
    """Whether its `Accept` prefers one media type, such as `text/html`, to another."""
    ranges = _qualities(request, "Accept")

    def quality(wanted: str) -> float:
        names = (wanted, f"{wanted.partition('/')[0]}/*", "*/*")  # the most specific one decides
        return next((ranges[name] for name in names if name in ranges), 0.0)

    return quality(kind) > quality(other)


def takes_gzip(request: web.Request) -> bool:
    """Whether its `Accept-Encoding` allows gzip, and does not prefer the plain answer."""
    codings = _qualities(request, "Accept-Encoding")
    anything = codings.get("*", 0.0)
    quality = codings.get("gzip", codings.get("x-gzip", anything))
    return quality > 0 and quality >= codings.get("identity", 0.0)


def _qualities(request: web.Request, name: str) -> dict[str, float]:
    """Read a header; a range that cannot be parsed is ignored."""
    qualities = {}
    for text in ",".join(request.headers.getall(name, ())).split(","):
        if parts := RANGE.fullmatch(text):
            quality = QUALITY.search(parts[2])
            qualities[parts[1].lower()] = float(quality[1]) if quality else 1.0
    return qualities
