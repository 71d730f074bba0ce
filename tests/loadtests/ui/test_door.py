"""No web page of another site uses the Locust UI, whatever path it asks for."""

import json
import re
import socket
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import psutil
import pytest

from loadtests.ui.door import Door
from tests.support.cli import Begun, run
from tests.support.locust_ui import CELL, Answer, Interface, fields, up

READ = ("/", "/stats/requests", "/logs", "/panel/survival.json", "/panel/survival", "/nosuch")
WRITE = ("/swarm", "/stop", "/stats/reset", "/user", "/panel/survival.json", "/nosuch")
pytestmark = pytest.mark.usefixtures("database")


def refused(answer: Answer) -> str:
    """Check that it was refused, and that no page may read why; gives the reason."""
    assert answer.status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    reply = json.loads(answer.body)
    assert reply["success"] is False
    assert "--allow-host" in reply["message"]
    return str(reply["message"])


def test_it_listens_on_loopback_whatever_a_user_has_set_for_locust(
    idle_up: tuple[Begun, Interface],
) -> None:
    command, ui = idle_up
    places = {
        end.laddr.ip
        for process in command.below()
        for end in process.net_connections("tcp")
        if end.status == psutil.CONN_LISTEN and end.laddr.port == int(ui.url.rpartition(":")[2])
    }
    assert "scenario" in fields(ui.page() or "")
    assert places == {"127.0.0.1"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1", "Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
        {"Sec_Fetch_Site": "same-site"},
        {"Referer": "https://evil.example/page"},
        {"Referer": "http://["},
    ],
    ids=str,
)
def test_a_page_of_another_origin_changes_nothing(
    idle_ui: Interface, headers: dict[str, str]
) -> None:
    for path in WRITE:
        assert "so nothing was done" in refused(idle_ui.ask(path, CELL, **headers))


@pytest.mark.parametrize("path", READ)
def test_a_page_of_another_origin_reads_nothing(idle_ui: Interface, path: str) -> None:
    refused(idle_ui.ask(path, Origin="https://evil.example"))
    refused(idle_ui.ask(path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors"))
    headers = idle_ui.ask(path).headers
    assert not [name for name in headers if name.lower().startswith("access-control-")]
    rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert (rules["default-src"], rules["frame-ancestors"]) == ("'none'", "'self'")
    assert re.fullmatch(r"'self'( 'nonce-[\w-]{43}')?", rules["script-src"])
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_links_of_other_sites_lead_to_the_page_and_nowhere_else(idle_ui: Interface) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert idle_ui.ask("/", None, **link).status == 200
    refused(idle_ui.ask("/stats/report", None, **link))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8089", "server", "0.0.0.0", "["])
def test_a_request_for_another_host_is_refused(idle_ui: Interface, host: str) -> None:
    for path in READ:
        assert f"to the name {host!r}" in refused(idle_ui.ask(path, Host=host))
    for path in WRITE:
        refused(idle_ui.ask(path, CELL, Host=host, Origin=f"http://{host}"))


def test_pages_of_its_own_and_programs_may_change_things(idle_ui: Interface) -> None:
    assert (
        idle_ui.ask("/stats/reset", {}, Origin=idle_ui.url, Sec_Fetch_Site="same-origin").status
        == 200
    )
    assert idle_ui.ask("/stats/reset", {}).status == 200
    forwarded = {"Host": "localhost:9000", "Origin": "http://localhost:9000"}
    assert idle_ui.ask("/stats/reset", {}, **forwarded).status == 200


def test_the_network_is_let_in_when_asked_for(tmp_path: Path) -> None:
    with up(tmp_path, "--web-host", "0.0.0.0", "--allow-host", "bench.lan") as (command, ui):
        assert re.search(rf"Locust UI: {ui.url} ", command.out())
        for host in ("bench.lan:8089", "192.168.1.5:8089", "rig:8089", socket.gethostname()):
            own = {"Host": host, "Origin": f"http://{host}"}
            assert ui.ask("/stats/reset", {}, **own).status == 200
        proxied = {"Host": "bench.lan", "Origin": "https://bench.lan"}
        assert ui.ask("/stats/reset", {}, **proxied).status == 200
        refused(ui.ask("/", Host="evil.example"))
        refused(ui.ask("/stop", {}, Origin="http://evil.example"))


def test_an_address_that_is_not_here_is_told() -> None:
    ended = run("loadtests", "up", "--port", "0", "--web-host", "203.0.113.1")
    assert (ended.code, ended.out) == (2, "")
    assert "the address '203.0.113.1' cannot be used" in ended.err
    assert "choose another with --web-host" in ended.err


@pytest.mark.parametrize(("scheme", "right"), [("https", True), ("http", False)])
def test_with_tls_its_own_pages_have_another_origin(scheme: str, right: bool) -> None:
    environ: dict[str, Any] = {"HTTP_HOST": "[::1]:8089", "HTTP_ORIGIN": f"{scheme}://[::1]:8089"}
    environ["wsgi.url_scheme"] = "https"
    setup_testing_defaults(environ)
    assert (Door(lambda *_: [], "::1", (), "/").refusal(environ) is None) == right
