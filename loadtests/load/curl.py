"""Read a pasted curl line, as browsers copy them: what it sends is kept, or named if it cannot."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote_plus

from loadtests.load.drawn import FORM

# What a right answer is, and how the request is called: curl has no words for that.
OURS: Mapping[str, Mapping[str, Any]] = {
    "--expect": {"action": "append", "default": []},
    "--label": {"default": ""},
    "--insecure": {"action": "store_true"},
}
WITH_VALUE: Mapping[str, Sequence[str]] = {
    "method": ("-X", "--request"),
    "agent": ("-A", "--user-agent"),
    "referer": ("-e", "--referer"),
    "user": ("-u", "--user"),
}
SWITCHES: Mapping[str, Sequence[str]] = {
    "get": ("-G", "--get"),
    "head": ("-I", "--head"),
    "compressed": ("--compressed",),
}
# They change what curl shows, or what is so anyway.
WITHOUT_EFFECT = (
    *("-s", "--silent", "-S", "--show-error", "-i", "--include", "-v", "--verbose", "-L"),
    *("--location", "-f", "--fail", "-g", "--globoff", "-N", "--no-buffer", "--http1.1", "-#"),
    *("--progress-bar", "--no-progress-meter"),
)
DATA: Sequence[Sequence[str]] = (
    ("-d", "--data", "--data-ascii"),
    *(("--data-raw",), ("--data-binary",), ("--data-urlencode",), ("--json",)),
)
ADVICE = {
    ("-x", "--proxy"): "requests go straight to the service; remove it",
    ("-F", "--form"): "write the whole body to a file; send it by --data-binary @FILE, with its "
    "Content-Type",
    ("--http2", "--http2-prior-knowledge", "--http3"): "requests are HTTP/1.1; remove it",
    ("-o", "--output", "-O", "--remote-name"): "answers are not stored; remove it",
    ("-T", "--upload-file"): "write -X PUT --data-binary @FILE",
    ("-m", "--max-time", "--connect-timeout"): "the objective says how long is too long; remove it",
    ("--cacert", "--capath"): "name the file in SSL_CERT_FILE",
}


class _Data(NamedTuple):
    option: str
    value: str


class CurlLine(NamedTuple):
    """The words of a request, taken apart."""

    method: str
    url: str
    headers: tuple[str, ...]
    body: str
    expect: Sequence[str]
    label: str
    insecure: bool


def curl_line(words: Sequence[str], folder: Path) -> CurlLine:
    """Take the words after `curl` apart. Raises ValueError for what cannot be kept."""
    parser = _parser()
    given, rest = parser.parse_known_args(words)
    for word in rest:
        if word.startswith("-"):
            raise ValueError(_unkept(word))
    urls = [*given.places, *given.url, *rest]
    if len(urls) != 1:
        raise ValueError(f"a request has one URL, not {len(urls)}")
    body = "&".join(_data(data, folder) for data in given.data)
    url = urls[0] if "://" in urls[0].partition("?")[0] else f"http://{urls[0]}"
    if given.data and given.get:
        url, body = f"{url}{'&' if '?' in url else '?'}{body}", ""
    usual = "HEAD" if given.head else "POST" if given.data and not given.get else "GET"
    method = given.method or usual
    return CurlLine(
        method, url, tuple(_headers(given)), body, given.expect, given.label, given.insecure
    )


class Words(ArgumentParser):
    """Options in a text, not on a command line: what is wrong with them is a ValueError."""

    def error(self, message: str) -> NoReturn:
        if bundled := re.search(r"ignored explicit argument '(.)", message):  # such as -so
            raise ValueError(_unkept(f"-{bundled[1]}"))
        raise ValueError(message)


def _parser() -> Words:
    parser = Words(add_help=False, allow_abbrev=False)
    parser.add_argument("places", nargs="*")
    parser.add_argument("--url", action="append", default=[])
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-b", "--cookie", action="append", default=[])
    for names in DATA:
        kind = partial(_Data, names[0])
        parser.add_argument(*names, dest="data", action="append", default=[], type=kind)
    for destination, names in WITH_VALUE.items():
        parser.add_argument(*names, dest=destination)
    for destination, names in SWITCHES.items():
        parser.add_argument(*names, dest=destination, action="store_true")
    parser.add_argument(*WITHOUT_EFFECT, dest="ignored", action="store_true")
    for name, settings in OURS.items():
        short = ["-k"] if name == "--insecure" else []
        parser.add_argument(*short, name, **settings)
    return parser


def _unkept(word: str) -> str:
    name = word.partition("=")[0] if word.startswith("--") else word[:2]
    advice = next((text for names, text in ADVICE.items() if name in names), "remove it")
    return f"curl's {name} cannot be kept: {advice}"


def _headers(given: Any) -> list[str]:
    """Return the headers of its options; those that are written out win."""
    written = [header.partition(":")[0].strip().lower() for header in given.header]
    return [
        *given.header,
        *(
            f"{name}: {value}"
            for name, value in _implied(given).items()
            if value and name.lower() not in written
        ),
    ]


def _implied(given: Any) -> dict[str, str | None]:
    for cookie in given.cookie:
        if "=" not in cookie:
            raise ValueError(f"the file of cookies {cookie!r} is not read: expected 'name=value'")
    if given.user and ":" not in given.user:
        raise ValueError(f"the password is missing: expected -u {given.user}:PASSWORD")
    options = {data.option for data in given.data}
    json = "application/json" if "--json" in options else None
    return {
        "Cookie": "; ".join(given.cookie),
        "User-Agent": given.agent,
        "Referer": given.referer,
        "Authorization": given.user and f"Basic {b64encode(given.user.encode()).decode()}",
        "Content-Type": json or (FORM if options and not given.get else None),
        "Accept": json,
        "Accept-Encoding": "gzip, deflate" if given.compressed else None,
    }


def _data(data: _Data, folder: Path) -> str:
    option, value = data
    match option:
        case "--data-raw":
            return value
        case "--data-urlencode":
            name, equals, text = value.partition("=")
            if "@" in name:
                raise ValueError("curl's --data-urlencode does not read files here: write the text")
            return f"{name}={quote_plus(text)}".lstrip("=") if equals else quote_plus(value)
        case "-d" if value.startswith("@"):
            return re.sub(r"[\r\n\0]", "", body_of(value, folder))
    return body_of(value, folder)


def body_of(text: str, folder: Path) -> str:
    """Return a text, or after `@` that of a file. Raises ValueError if that cannot be read."""
    if not text.startswith("@"):
        return text
    path = folder / Path(text[1:]).expanduser()
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text in UTF-8, so it cannot be a body") from None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None


def unescaped(text: str) -> str:
    """Write what browsers copy for Bash as `shlex` reads it: long lines, and texts in $'…'."""
    joined = re.sub(r"\\\r?\n", " ", text)
    return re.sub(r"(?<!\S)\$'((?:[^'\\]|\\.)*)'", _unescaped, joined, flags=re.DOTALL)


def _unescaped(match: re.Match[str]) -> str:
    simple = {"n": "\n", "r": "\r", "t": "\t"}

    def character(escape: re.Match[str]) -> str:
        code = escape[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else simple.get(code, code)

    return shlex.quote(
        re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", character, match[1], flags=re.DOTALL)
    )
