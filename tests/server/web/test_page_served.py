"""What a browser and other clients get at `/`, and the files of the page, served from memory."""

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from loadtests.report.colours import COLOURS
from server.tables import MODELS
from server.web import page
from server.web.negotiation import prefers, takes_gzip
from server.web.page import PAGE, TYPES
from tests.support.server_process import Client

FOLDER = Path(page.__file__).parent
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in TYPES)
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
SMALL = 40 * 1024  # bytes in all, because people read it too


def asked_with(name: str, value: str) -> web.Request:
    return make_mocked_request("GET", "/", {name: value})


def prefers_html(accept: str) -> bool:
    return prefers(asked_with("Accept", accept), "text/html", "application/json")


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (CHROMIUM, True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("TEXT/HTML; charset=utf-8", True),
        ("text/*", True),
        ("text/html;q=0.2, */*;q=0.1", True),
        ("application/json;q=0, */*", True),
        ("*/*", False),  # curl
        ("", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=high", True),
        ("text/html;q=0.5, application/*", False),
        ("html", False),
        (", ;q=1, /, text/", False),
    ],
)
def test_a_browser_prefers_html(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html


@given(st.text(alphabet="texhml/*;,q=.019 \t\x00é"))
def test_any_header_is_read(accept: str) -> None:
    assert prefers_html(accept) in (True, False)
    assert not prefers_html(f"application/json, {accept.replace(',', ';')}") or "/" in accept


async def fetched(client: Client, path: str, method: str = "GET", **headers: str) -> Any:
    async with client._session.request(method, path, headers=headers) as response:
        return response, await response.read()


async def test_curl_gets_json_and_a_browser_the_page(client: Client) -> None:
    discovery = await client.ask("/", headers={"Accept": "*/*"})
    assert discovery.json["service"] == "loadbearing"
    assert discovery.headers["Vary"] == "Accept, Accept-Encoding"
    response, body = await fetched(client, "/", Accept=CHROMIUM)
    assert (response.status, response.headers["Vary"]) == (200, "Accept, Accept-Encoding")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert body == (FOLDER / "index.html").read_bytes()
    response, body = await fetched(client, "/", "HEAD", Accept=CHROMIUM)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert body == b""


async def test_files_are_cached_and_revalidated(client: Client) -> None:
    for name in FILES:
        path = "/" if name == page.INDEX else f"/{PAGE}/{name}"
        response, body = await fetched(client, path, Accept="text/html")
        assert (response.status, body) == (200, (FOLDER / name).read_bytes())
        assert response.headers["Content-Type"] == TYPES[Path(name).suffix]
        assert response.headers["Cache-Control"] == "no-cache"
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy


async def test_what_is_known_is_not_sent_again(client: Client) -> None:
    for path in ("/", "/page/main.js", "/openapi.json"):
        response, _ = await fetched(client, path)
        tag = response.headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again, body = await fetched(client, path, **{"If-None-Match": known})
            assert (again.status, body, again.headers["ETag"]) == (304, b"", tag)
        for known in ('"other"', tag.strip('"'), "W/", '"*"'):
            other, _ = await fetched(client, path, **{"If-None-Match": known})
            assert other.status == 200


async def test_each_coding_has_its_tag(client: Client) -> None:
    for path in ("/", "/page/main.js", "/openapi.json", "/metrics"):
        plain, long = await fetched(client, path, **{"Accept-Encoding": "identity"})
        packed, body = await fetched(client, path, **{"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"  # which this client unpacks
        assert int(packed.headers["Content-Length"]) < len(long) / 2
        assert "Accept-Encoding" in packed.headers["Vary"]
        if path != "/metrics":
            assert body == long
            assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize(
    ("accept", "gzip"),
    [
        ("gzip, deflate, br, zstd", True),
        ("GZIP;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("*;q=0.5, gzip;q=0.0", False),
        ("gzip;q=0.5, identity", False),
        ("notgzip", False),
    ],
)
def test_only_who_takes_gzip_gets_it(accept: str, gzip: bool) -> None:
    assert takes_gzip(asked_with("Accept-Encoding", accept)) is gzip


@pytest.mark.parametrize(
    "path", ["/page/index.html", "/page/other.js", "/page/__init__.py", "/page/..%2F__init__.py"]
)
async def test_no_other_file_is_served(path: str, client: Client) -> None:
    answer = await client.ask(path)
    assert (answer.status, answer.error["type"]) == (404, "NotFound")


async def test_a_file_takes_no_other_method(client: Client) -> None:
    answer = await client.ask("/page/main.js", "POST")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_the_page_is_small_and_loads_nothing_from_elsewhere() -> None:
    texts = {name: (FOLDER / name).read_text() for name in FILES}
    assert sum(len(text.encode()) for text in texts.values()) < SMALL
    for name, text in texts.items():
        assert len(text.splitlines()) <= 200, f"{name}: a file past 200 lines is two files"
        urls = set(re.findall(r"https?://[^\s\"'`<>]+", text))
        assert urls <= {"http://www.w3.org/2000/svg"}, name
    assert not re.search(r"\son[a-z]+=|\sstyle=|<script>|<style", texts["index.html"])


def test_models_have_the_colours_of_the_report() -> None:
    style = (FOLDER / "style.css").read_text()
    colours = dict(re.findall(r'\[data-model="([a-z-]+)"\] \{ --model: (#[0-9A-F]{6}) \}', style))
    assert colours == COLOURS
    assert set(colours) == set(MODELS)
