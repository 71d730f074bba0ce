"""Write requests whose values are drawn: numbers of a range, or rows of a CSV file."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import count, repeat
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol
from urllib.parse import quote, quote_plus

from loadtests.load.request import RequestSpec
from loadtests.wording import unknown

RANGE = re.compile(r"(-?\d{1,18})\.\.(-?\d{1,18})")
DRAWN = re.compile(r"\{([^\W\d][\w .-]*):(-?\d+\.\.-?\d+|[^{}\"\r\n]+\.csv)\}")
EXPECTED = "expected e.g. {id:1..5000} or {name:users.csv}"
BARE = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")  # JSON, unquoted
ACTING = re.compile(r"[\x00-\x1f\x7f]")
FORM = "application/x-www-form-urlencoded"
KEPT = "%/:=&?~+!$,;'@()*[]"  # of a target: it may have been encoded already
SIZED = {"POST", "PUT", "PATCH"}  # have a length even without a body

Encode = Callable[[str], str]


class Values(Protocol):
    """The values for one gap in a request, as they are written there."""

    def __getitem__(self, index: int, /) -> bytes: ...


class Numbers:
    """The numbers from `low` on."""

    def __init__(self, low: int) -> None:
        self._low = low

    def __getitem__(self, index: int, /) -> bytes:
        return b"%d" % (self._low + index)


class Gap(NamedTuple):
    """A place for a value, whose index is drawn from the source of this number."""

    source: int
    values: Values


class Draft:
    """Bytes with gaps, as a format and the values for it."""

    def __init__(self, pieces: Iterable[bytes | Gap]) -> None:
        listed = [*pieces]
        self.gaps = [piece for piece in listed if not isinstance(piece, bytes)]
        self._format = b"".join(
            piece.replace(b"%", b"%%") if isinstance(piece, bytes) else b"%b" for piece in listed
        )

    def fill(self, drawn: Sequence[int]) -> bytes:
        return self._format % tuple([values[drawn[source]] for source, values in self.gaps])


class Template:
    """The bytes of a request, with gaps for what is drawn for each.

    All values of one file come from the same row, and the same range has one value per request.
    Raises ValueError, in one line, for values that cannot be drawn.
    """

    def __init__(self, spec: RequestSpec, host: str, base: str = "") -> None:
        self._sources: dict[str, int] = {}
        self._counts: list[int] = []
        given = {name.lower() for name, _ in spec.headers}
        kind = spec.header("Content-Type")
        json_body = "json" in (kind or "").lower() or _looks_like_json(spec.body)
        headers = [*({} if "host" in given else {"Host": host}).items()]
        headers += [(name, value) for name, value in spec.headers if value]
        headers += [*({} if "accept" in given else {"Accept": "*/*"}).items()]
        if spec.body and kind is None:
            headers.append(("Content-Type", "application/json" if json_body else FORM))
        head: list[bytes | Gap] = [f"{spec.method} {base}".encode(), *self._target(spec)]
        head.append(b" HTTP/1.1\r\n")
        for name, value in headers:
            head += [f"{name}: ".encode(), *self._pieces(value, _of_header, _of_header), b"\r\n"]
        form = (kind or FORM).lower().startswith(FORM)
        body = [*(self._json(spec.body) if json_body else self._text(spec.body, form))]
        self._body = Draft(body)
        sized = bool(spec.body) or spec.method in SIZED
        if not self._body.gaps:
            text = self._body.fill([])
            length = [b"Content-Length: %d\r\n" % len(text)] if sized else []
            head += [*length, b"\r\n", text]
        self._head = Draft(head)

    def requests(self, rng: Random, first: int = 0, of: int = 1) -> Iterator[bytes]:
        """Yield every `of`-th request, from that with the number `first` on, without end."""
        return self._varied(rng, first, of) if self._counts else repeat(self._head.fill([]))

    def _varied(self, rng: Random, first: int, of: int) -> Iterator[bytes]:
        draw, counts = rng.random, self._counts
        for number in count():
            drawn = [int(draw() * values) for values in counts]
            if number % of == first:
                yield self._fill(drawn)

    def _fill(self, drawn: Sequence[int]) -> bytes:
        if not self._body.gaps:
            return self._head.fill(drawn)
        body = self._body.fill(drawn)
        return b"%bContent-Length: %d\r\n\r\n%b" % (self._head.fill(drawn), len(body), body)

    def _target(self, spec: RequestSpec) -> Iterator[bytes | Gap]:
        if "{" in (literal := DRAWN.sub("", spec.target)):
            raise ValueError(
                f"{literal[literal.index('{') :]!r} in the target of a request is not a value to "
                f"draw: {EXPECTED}; a brace itself is written %7B"
            )
        return self._pieces(spec.target, partial(quote, safe=KEPT), partial(quote, safe=""))

    def _text(self, body: str, form: bool) -> Iterator[bytes | Gap]:
        return self._pieces(body, str, quote_plus if form else str)

    def _json(self, body: str) -> Iterator[bytes | Gap]:
        """Write a value within a string as part of it, and any other as a value of JSON."""
        at, quoted = 0, False
        for match in DRAWN.finditer(body):
            literal = body[at : match.start()]
            quoted ^= len(re.findall(r'(?<!\\)(?:\\\\)*"', literal)) % 2 == 1
            yield literal.encode()
            yield self._gap(match, _of_string if quoted else _of_json)
            at = match.end()
        yield body[at:].encode()

    def _pieces(self, text: str, literal: Encode, value: Encode) -> Iterator[bytes | Gap]:
        at = 0
        for match in DRAWN.finditer(text):
            yield literal(text[at : match.start()]).encode()
            yield self._gap(match, value)
            at = match.end()
        yield literal(text[at:]).encode()

    def _gap(self, match: re.Match[str], encode: Encode) -> Gap:
        whole, name, origin = match[0], match[1], match[2]
        if limits := RANGE.fullmatch(origin):
            low, high = int(limits[1]), int(limits[2])
            if low > high:
                raise ValueError(f"{whole} is reversed: expected {{{name}:{high}..{low}}}")
            return Gap(self._source(whole, high - low + 1), Numbers(low))
        if not origin.endswith(".csv"):
            raise ValueError(f"the range {whole} is too large: numbers have up to 18 digits")
        columns = table(origin)
        if name not in columns:
            raise ValueError(unknown(f"column {{}} of {origin}", name, columns))
        values = [encode(value).encode() for value in columns[name]]
        return Gap(self._source(origin, len(values)), values)

    def _source(self, key: str, values: int) -> int:
        if key not in self._sources:
            self._sources[key] = len(self._counts)
            self._counts.append(values)
        return self._sources[key]


def table(path: str) -> dict[str, list[str]]:
    """Read the columns of a CSV file, whose first line names them. Raises ValueError."""
    try:
        changed = Path(path).stat()
        return _table(path, changed.st_mtime_ns, changed.st_size)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot read {path}: it is not a text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"cannot read {path}: {error}") from None


@cache
def _table(path: str, _changed_ns: int, _size: int) -> dict[str, list[str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        lines = [line for line in csv.reader(file, strict=True) if line]
    if not lines:
        raise ValueError(f"{path} is empty: its first line names the columns, the others are rows")
    names, *rows = lines
    if not rows:
        raise ValueError(f"{path} has no rows below the names of its columns")
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise ValueError(
                f"row {number} of {path} has {len(row)} values, but there are {len(names)} columns"
            )
    columns = zip(*rows, strict=True)
    return {name.strip(): [*values] for name, values in zip(names, columns, strict=True)}


def _looks_like_json(body: str) -> bool:
    return DRAWN.sub("0", body).lstrip().startswith(("{", "["))


def _of_header(text: str) -> str:
    if ACTING.search(text):
        raise ValueError(f"a header cannot hold {text!r}: it has control characters")
    return text


def _of_string(value: str) -> str:
    return json.dumps(value)[1:-1]


def _of_json(value: str) -> str:
    return value if BARE.fullmatch(value) else json.dumps(value)
