"""The live page: a few files beside this module, read once and served from memory.

They are known before the first request: nothing in a request chooses a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from aiohttp import web
from aiohttp.helpers import ETag

PAGE = "page"  # the path of its files; only the index is at the root
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "no-cache",  # keep it, but check each time whether it has changed
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page, as it is sent."""

    name: str
    body: bytes

    @property
    def etag(self) -> str:
        return sha256(self.body).hexdigest()[:20]

    async def answer(self, request: web.Request) -> web.Response:
        """Send the file, or say that the client already has it."""
        headers = {**HEADERS, "Content-Type": TYPES[Path(self.name).suffix]}
        tags = {ETag(self.etag), ETag(self.etag, is_weak=True)}
        same = not tags.isdisjoint(request.if_none_match or ())
        response = web.Response(status=304) if same else web.Response(body=self.body)
        response.headers.update(headers)
        response.etag = self.etag
        return response


@dataclass(frozen=True, slots=True)
class Page:
    """The index, and all files that it loads, by their names."""

    index: File
    files: Mapping[str, File]


def read() -> Page:
    """Read all files of the page."""
    paths = (path for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in TYPES)
    files = {path.name: File(path.name, path.read_bytes()) for path in paths}
    return Page(files.pop(INDEX), files)
