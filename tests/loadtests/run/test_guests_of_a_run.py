"""Services of the user are read from the options of a run, and exclude what only our server has."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.run.guests import guests_of, with_usual
from loadtests.run.options import Options
from loadtests.service.options import ServerOptions

START = "shop=ls --port {port} {workers}"
GIVEN: dict[str, Any] = {
    "services": (START,),
    "vary": ("workers=1,2",),
    "requests": ("/orders", "POST /orders --label new"),
}


def test_all_that_was_written_is_read(tmp_path: Path) -> None:
    urls = ("old=http://127.0.0.1:1/api",)
    servers = ServerOptions(directory=str(tmp_path))
    guests = guests_of(Options(**GIVEN, urls=urls, bystander="/health", servers=servers))
    assert guests is not None
    assert [guest.name for guest in guests.services] == ["shop", "old"]
    assert list(guests.requests) == ["/orders", "new"]
    assert guests.bystander is not None
    assert guests.bystander.target == "/health"
    assert not guests.insecure
    assert guests.request(guests.named("old"), "new").method == "POST"
    assert guests_of(Options()) is None


def test_words_of_our_models_are_left_out() -> None:
    words = Options(**GIVEN).words()
    assert words["models"] is words["workloads"] is None
    assert words["start"] == [START]


def test_a_full_run_leaves_out_what_needs_our_server() -> None:
    kept = with_usual(Options.choose(mode="full", **GIVEN)).beyond
    assert {"overload", "soak"} <= kept.keys()
    assert not {"faults", "bystanders"} & kept.keys()
    assert "faults" in with_usual(Options.choose(mode="full")).beyond


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"services": (), "vary": ()}, "--request belongs to a service of your own: add --start"),
        ({"requests": ()}, "say what to send to your service, e.g. --request /orders"),
        ({"requests": ("/a", "/a")}, "two requests are called '/a': add --label NAME"),
        ({"vary": ()}, r"--start shop: nothing fills \{workers\}"),
        ({"urls": ("shop=http://127.0.0.1:1",)}, "two services are called 'shop'"),
        ({"host": "http://127.0.0.1:1"}, "--host is for a server of this project"),
        ({"models": ("inline",)}, "--models are those of our server"),
        ({"workloads": ("sleep",)}, "--workloads names work of our server"),
        ({"parameters": {"sleep": {"ms": "1"}}}, "--param sets a parameter of our workloads"),
        ({"prove": True}, "--prove relieves one resource of a server alone"),
        ({"need": ("bounded",)}, "--need names a promise"),
        ({"size": ("threads",)}, "--size threads: no command of --start has {threads} in it"),
        ({"beyond": {"faults": 10.0}}, "--beyond faults needs models and faults"),
        ({"servers": ServerOptions({"threads": "4"})}, "--threads=4 is an option of our server"),
        (
            {"urls": ("x=http://127.0.0.1:1",), "requests": ("curl http://127.0.0.2/a",)},
            "does not belong to the service at http://127.0.0.1:1",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        guests_of(Options(**{**GIVEN, **given}))
    assert "\n" not in str(raised.value)
