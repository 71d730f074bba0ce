"""The live page: a few files beside this module, read once and served from memory.

They are known before the first request: nothing in a request chooses a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.web.fixed import Fixed

PAGE = "page"  # the path of its files; only the index is at the root
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Page:
    """The index, and all files that it loads, by their names."""

    index: Fixed
    files: Mapping[str, Fixed]


def read() -> Page:
    """Read all files of the page."""
    paths = (path for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in TYPES)
    files = {
        path.name: Fixed(path.read_bytes(), {**HEADERS, "Content-Type": TYPES[path.suffix]})
        for path in paths
    }
    return Page(files.pop(INDEX), files)
