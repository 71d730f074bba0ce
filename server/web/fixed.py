"""Answers that stay the same while the server runs: compressed once, and not sent twice."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256

from aiohttp import web

from server.web.negotiation import takes_gzip

TAG = re.compile(r'"([^"]*)"')  # of which the letters before it, `W/`, are not compared
HEADERS = {
    "Cache-Control": "no-cache",  # keep it, but check each time whether it has changed
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


class Fixed:
    """A body with its headers; its two codings have a tag each."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.body = body
        self._headers = {**HEADERS, **headers}
        self._tag = sha256(body).hexdigest()[:20]

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.body, mtime=0)

    async def answer(self, request: web.Request) -> web.Response:
        """Send the body, or say that the client already has it."""
        headers, body, tag = dict(self._headers), self.body, self._tag
        if takes_gzip(request):
            headers["Content-Encoding"], body, tag = "gzip", self.compressed, f"{tag}-gzip"
        headers["ETag"] = f'"{tag}"'
        known = ",".join(request.headers.getall("If-None-Match", ()))
        if known.strip() == "*" or tag in TAG.findall(known):
            headers.pop("Content-Encoding", None)
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers=headers)
