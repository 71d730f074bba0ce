"""Whether a client prefers HTML or JSON, by its `Accept` header (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re

RANGE = re.compile(r"\s*([^\s;,/]+)/([^\s;,/]+)\s*((?:;[^;]*)*)")
QUALITY = re.compile(r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?=;|$)", re.IGNORECASE)


def prefers_html(accept: str) -> bool:
    """Distinguish a browser, which asks for HTML, from curl and other programs.

    A range that cannot be parsed is ignored.
    """
    ranges = dict(filter(None, map(_parse, accept.split(","))))

    def quality(kind: str, detail: str) -> float:
        names = (f"{kind}/{detail}", f"{kind}/*", "*/*")  # the most specific one decides
        return next((ranges[name] for name in names if name in ranges), 0.0)

    return quality("text", "html") > quality("application", "json")


def _parse(text: str) -> tuple[str, float] | None:
    parts = RANGE.fullmatch(text)
    if parts is None:
        return None
    kind, detail, more = parts.groups()
    quality = QUALITY.search(more)
    return f"{kind}/{detail}".lower(), float(quality[1]) if quality else 1.0
