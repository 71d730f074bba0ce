"""Read a request as people write it: a path, a method and a path, or a pasted curl line.

/orders/{id:1..5000}
POST /orders --body @order.json --header 'X-Shop: 7' --expect 201 --label checkout
curl https://shop.example/orders -H 'Accept: text/html' --compressed
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple
from urllib.parse import urlsplit

from loadtests.foreign import line
from loadtests.load.curl import OURS, CurlLine, Words, body_of, curl_line, unescaped
from loadtests.load.drawn import DRAWN, Template
from loadtests.load.request import RequestSpec

EXAMPLE = "expected e.g. '/orders/7', 'POST /orders --body @order.json --expect 201' or 'curl …'"
METHOD = re.compile(r"[A-Za-z]+")
URL = re.compile(r"(https?://[^/?#\s]+)?(/[^#]*|\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
STATUS = re.compile(r"[1-5]\d\d")
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
SHOWN = 80  # characters of a text that is wrong: enough to find it
LABEL = 60  # characters of a label, unless the user gives another
COMPUTED = {"content-length"}  # whatever was pasted
REFUSED = {"transfer-encoding", "upgrade", "te", "trailer"}  # belong to another client
READABLE = {"gzip", "deflate", "identity", "*", ""}  # in which a text can be looked for


class ParsedRequest(NamedTuple):
    """A request, and what its text says of the service: its origin, and whether to trust it."""

    spec: RequestSpec
    origin: str = ""  # such as https://shop.example:8443; empty where there is only a path
    insecure: bool = False

    def below(self, url: str) -> RequestSpec:
        """Return it as a request to the service at `url`. Raises ValueError for another service."""
        if not self.origin:
            return self.spec
        origin, base = _origin(url), urlsplit(url).path.rstrip("/")
        whole, target = self.spec.target, self.spec.target.removeprefix(base)
        if self.origin != origin or not f"{whole.partition('?')[0]}/".startswith(f"{base}/"):
            raise ValueError(
                f"{self.origin}{whole} does not belong to the service at {url}: give the path "
                "alone, or measure the other service"
            )
        return replace(self.spec, target=target if target.startswith("/") else f"/{target}")


def parse_request(text: str, folder: Path) -> ParsedRequest:
    """Read a request; files are looked for in `folder`. Raises ValueError, in one line."""
    shown = shorten(line(text), SHOWN, placeholder=" …")
    try:
        words = shlex.split(unescaped(text))
    except ValueError:
        raise ValueError(f"invalid request {shown!r}: a quotation mark is missing") from None
    if not words:
        raise ValueError(f"the request is empty: {EXAMPLE}")
    try:
        written = curl_line(words[1:], folder) if words[0] == "curl" else _plain(words, folder)
        return _parsed(written, folder)
    except ValueError as error:
        raise ValueError(f"invalid request {shown!r}: {line(error)}") from None


def _plain(words: Sequence[str], folder: Path) -> CurlLine:
    parser = Words(add_help=False, allow_abbrev=False)
    parser.add_argument("place", nargs="*")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--body")
    for name, settings in OURS.items():
        parser.add_argument(name, **settings)
    given = parser.parse_intermixed_args(words)
    method, place = ("", *given.place)[-2:] if len(given.place) < 3 else ("", "")
    if not place or not METHOD.fullmatch(method or "GET") or not URL.fullmatch(place):
        raise ValueError(EXAMPLE)
    body = "" if given.body is None else body_of(given.body, folder)
    return CurlLine(
        method or ("GET" if given.body is None else "POST"),
        place,
        tuple(given.header),
        body,
        given.expect,
        given.label,
        given.insecure,
    )


def _parsed(written: CurlLine, folder: Path) -> ParsedRequest:
    match = URL.fullmatch(written.url)
    if match is None:
        raise ValueError(
            f"{written.url!r} is not the URL of a service: expected http:// or https://"
        )
    origin, rest = _origin(match[1] or ""), match[2] or "/"
    if "@" in origin:
        raise ValueError("a URL with a password cannot be kept: use --header 'Authorization: …'")
    method = written.method.upper()
    if method == "CONNECT":
        raise ValueError("CONNECT makes a tunnel, and is not a request to a service")
    target = rest if rest.startswith("/") else f"/{rest}"
    headers = tuple(
        (name, _placed(value, folder))
        for name, value in map(_header, written.headers)
        if name.lower() not in COMPUTED
    )
    status, text = _expected(written.expect)
    spec = RequestSpec(
        label=written.label or _label(method, target),
        method=method,
        target=_placed(target, folder),
        headers=headers,
        body=_placed(written.body, folder),
        status=status,
        text=text,
    )
    _check(spec)
    return ParsedRequest(spec, origin, written.insecure)


def _check(spec: RequestSpec) -> None:
    if not spec.label.isprintable():
        raise ValueError(f"the label {spec.label!r} has characters that cannot be shown")
    if spec.text and spec.method == "HEAD":
        raise ValueError(f"the answer to a HEAD has no body that could contain {spec.text!r}")
    codings = re.split(r"[\s,]+", (spec.header("Accept-Encoding") or "").lower())
    unread = [name for coding in codings if (name := coding.partition(";")[0]) not in READABLE]
    if spec.text and unread:
        raise ValueError(
            f"{spec.text!r} cannot be looked for in answers compressed with {unread[0]}: remove "
            "that from Accept-Encoding"
        )
    Template(spec, "service")  # raises ValueError for values that cannot be drawn


def _origin(url: str) -> str:
    """Return scheme, host and port of a URL as every text of it has them."""
    match = URL.match(url)
    origin = (match[1] or "" if match else "").lower()
    return re.sub(r"^(http:.*):80$|^(https:.*):443$", r"\1\2", origin)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not NAME.fullmatch(name):
        raise ValueError(f"invalid header {text!r}: expected e.g. 'X-Shop: 7'")
    if name.lower() in REFUSED:
        raise ValueError(f"the header {name} cannot be kept: remove it")
    return name, value.strip(" \t")


def _expected(wanted: Sequence[str]) -> tuple[int | None, str]:
    statuses = [int(word) for word in wanted if STATUS.fullmatch(word)]
    texts = [word for word in wanted if not STATUS.fullmatch(word)]
    if len(statuses) > 1 or len(texts) > 1 or "" in texts:
        raise ValueError("--expect takes one status, one text, or both: --expect 201 --expect paid")
    return next(iter(statuses), None), "".join(texts)


def _placed(text: str, folder: Path) -> str:
    """Name files by their whole path, so that it does not matter where the load comes from."""

    def place(match: re.Match[str]) -> str:
        if not match[2].endswith(".csv"):
            return match[0]
        return f"{{{match[1]}:{(folder / Path(match[2]).expanduser()).absolute()}}}"

    return DRAWN.sub(place, text)


def _label(method: str, target: str) -> str:
    short = DRAWN.sub(lambda match: f"{{{match[1]}}}", target)
    whole = short if method == "GET" else f"{method} {short}"
    return whole if len(whole) <= LABEL else f"{whole[: LABEL - 1]}…"
