"""No web page of another site can start work, even under a name that points to this machine."""

import socket
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

import pytest
from aiohttp.test_utils import make_mocked_request

from loadtests.errors import ServiceError
from loadtests.service.contract import discover
from server.errors import Forbidden
from server.web.door import Door
from tests.support.bad_clients import heard
from tests.support.server_process import Answer, Client, Running, asking, running

WORK = ("/noop", "/noop/inline", "/noop/hybrid", "/events")
READ = ("/health", "/ready", "/stats", "/openapi.json", "/")
FEW = ("--models", "inline,hybrid", "--threads", "1", "--processes", "1")


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[Running]:
    with running(*FEW, module="server") as started:
        yield started


def refused(answer: Answer) -> str:
    """Check that it was refused with a reason and a hint, and return the reason."""
    assert answer.status == 403
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.error["type"] == "Forbidden"
    assert "--allow-host" in answer.error["hint"]
    return answer.error["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_a_page_of_another_origin_starts_no_work(
    headers: dict[str, str], client: Client
) -> None:
    filled = {name: text.format(port=client.server.port) for name, text in headers.items()}
    for path in WORK:
        assert "may not start work here" in refused(await client.ask(path, headers=filled))
    for path in READ:
        assert (await client.ask(path, headers=filled)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8080", "localhost.evil.example", "server", "0.0.0.0:8080"),
        *("192.168.1.5", "[::ffff:7f00:1]:8080", "[::1", "x@[", ".", "127.0.0.1.evil.example"),
    ],
)
async def test_a_request_for_another_host_is_refused(host: str, client: Client) -> None:
    for path in (*WORK, *READ, "/page/main.js", "/nosuch"):
        message = refused(await client.ask(path, headers={"Host": host}))
        assert message == f"this server does not answer to the name {host!r}"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "LocalHost.:9000"},  # forwarded from another port
        {"Host": "127.0.0.1"},
        {"Host": "127.1.2.3:8080"},
        {"Host": "[::1]:8080"},
        {"Host": "localhost:1", "Origin": "http://localhost:1", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_programs_and_pages_of_its_own_are_let_in(
    headers: dict[str, str], client: Client
) -> None:
    for path in ("/noop", "/noop/inline", *READ):
        assert (await client.ask(path, headers=headers)).status == 200


async def test_a_client_that_names_no_host_is_let_in(server: Running) -> None:
    answer = await heard(server, b"GET /noop/inline HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 ")


def test_a_load_test_under_another_name_says_what_to_do(server: Running) -> None:
    with pytest.raises(ServiceError, match=r"to the name '0\.0\.0\.0:\d+'\. .*--allow-host"):
        discover(f"http://0.0.0.0:{server.port}")


@pytest.mark.parametrize(
    ("listening", "right", "host"),
    [
        ("0.0.0.0", True, "192.168.1.5:8080"),
        ("::", True, "[fe80::1]:8080"),
        ("0.0.0.0", True, "0.0.0.0:8080"),
        ("0.0.0.0", True, "server:8080"),  # how containers address each other
        ("0.0.0.0", True, socket.gethostname()),
        ("0.0.0.0", False, "evil.example"),
        ("0.0.0.0", False, "."),
        ("192.168.1.5", True, "192.168.1.5"),
        ("bench.lan", True, "Bench.lan:8080"),
        ("bench.lan", False, "bench.example"),
        ("localhost", False, "192.168.1.5"),
    ],
)
def test_valid_names_depend_on_the_address(listening: str, right: bool, host: str) -> None:
    door = Door(listening, ())
    with nullcontext() if right else pytest.raises(Forbidden):
        door.name(make_mocked_request("GET", "/", {"Host": host}))


async def test_allowed_hosts_may_ask_and_their_pages_too(database: None) -> None:
    allow = ("--allow-host", "bench.lan,Rig.lan", "--host", "0.0.0.0")
    with running(*FEW, *allow, module="server") as server:
        local = replace(server, url=f"http://127.0.0.1:{server.port}")
        async with asking(local) as client:
            for host in ("bench.lan:8080", "rig.lan"):
                page = {"Host": host, "Origin": f"https://{host}", "Sec-Fetch-Site": "same-origin"}
                assert (await client.ask("/noop/inline", headers=page)).status == 200
            refused(await client.ask("/noop/inline", headers={"Host": "evil.example"}))
            refused(await client.ask("/noop/inline", headers={"Origin": "http://evil.example"}))
        assert (
            "with --host 0.0.0.0, anyone who can reach this machine can run work"
            in server.complaints()
        )
        server.errors.write_text("")
