"""What users write of their services is read, filled in and checked, each error in one line."""

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.service.guests import (
    Guest,
    check,
    discovery,
    running,
    settings,
    started,
    varied,
    with_processes,
)

HERE = "/"
SHOP = "shop=sh -c 'serve --port {port}' {workers} --name {name}"


def test_a_command_and_its_variants() -> None:
    (shop,) = started([SHOP])
    values = varied(["workers=1,2", "name=a b,c", "other=3"])
    variants = list(shop.variants(values))
    assert [v.label for v in variants] == [
        "1 worker · name a b",
        "1 worker · name c",
        "2 workers · name a b",
        "2 workers · name c",
    ]
    first = variants[0].options
    assert shop.words(first) == ("sh", "-c", "serve --port {port}", "1", "--name", "a b")
    assert shop.shown(first) == "sh -c 'serve --port {port}' 1 --name 'a b'"
    assert settings(shop, variants[3], values) == {
        "service": "shop",
        "command": "sh -c 'serve --port {port}' 2 --name c",
        "url": "",
        "values": {"workers": "2", "name": "c"},
        "varied": {"workers": ["1", "2"], "name": ["a b", "c"]},
    }


def test_braces_that_the_command_needs_itself() -> None:
    (guest,) = started(["x=sh -c 'echo {{a}} ${{HOME}}; serve {port}'"])
    (variant,) = guest.variants({})
    assert guest.words({})[2] == "echo {a} ${HOME}; serve {port}"
    assert variant.label == ""
    check([guest], {}, HERE)


def test_services_and_requests_take_the_place_of_models_and_workloads() -> None:
    guests = started([SHOP]) + running(["old=http://127.0.0.1:8000/api/"])
    described = discovery(guests, ["/orders"], varied(["workers=1,2", "name=x"]))
    assert described.unavailable("/orders", "old") is None
    assert described.models["shop"]["varied"] == {"workers": ["1", "2"], "name": ["x"]}
    assert described.models["old"] == {
        "command": "",
        "url": "http://127.0.0.1:8000/api",
        "varied": {},
    }


def test_the_process_of_a_running_service() -> None:
    guests = running(["a=http://127.0.0.1:1", "b=http://127.0.0.1:2"])
    assert with_processes(guests, ["b=1"]) == (guests[0], Guest("b", url=guests[1].url, pid=1))
    assert with_processes(guests[:1], ["1"])[0].pid == 1
    for text, why in {"1": "of which --url", "c=1": "no --url", "a=x": "no process"}.items():
        with pytest.raises(ValueError, match=f"^--pid {text}: .*{why}"):
            with_processes(guests, [text])


def checked(starts: list[str], *vary: str) -> None:
    check(started(starts), varied(vary), HERE)


@pytest.mark.parametrize(
    ("read", "given", "why"),
    [
        (started, ["serve {port}"], r"--start 'serve \{port\}' does not begin with a name"),
        (started, ["a b=serve {port}"], "does not begin with a name"),
        (started, ["a="], "--start a has nothing after its name"),
        (started, ["a=serve"], r"--start a: the command has no \{port\}"),
        (started, ["a=serve '{port}"], "--start a: the command cannot be read: no closing quot"),
        (running, ["http://127.0.0.1"], "does not begin with a name"),
        (running, ["a=ftp://x"], "--url a: 'ftp://x' is not the URL of a service"),
        (running, ["a=http://x:99999"], "is not the URL"),
        (running, ["a=http://me:it@x"], "holds a user"),
        (running, ["a=http://x?b=c"], "has a query"),
        (running, ["a=http://host.invalid"], "the host 'host.invalid' does not resolve"),
        (varied, ["workers"], "--vary 'workers': expected e.g."),
        (varied, ["workers=,"], "--vary 'workers=,': expected"),
        (varied, ["port=1"], "--vary port: a free port is chosen"),
        (varied, ["a=1", "a=2"], "--vary a is given twice"),
        (checked, ["a=ls {port}", "a=ls {port}"], "two services are called 'a'"),
        (checked, ["a=ls {port} {workers}"], r"nothing fills \{workers\}: add e.g. --vary wor"),
        (checked, ["a=serve-nothing {port}"], "the program 'serve-nothing' does not exist"),
        (checked, ["a=./serve-nothing {port}"], "the program './serve-nothing' does not exist"),
    ],
)
def test_errors_say_what_is_wrong(read: Callable[[Any], Any], given: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        read(given)
    assert "\n" not in str(raised.value)


def test_a_variation_without_effect_and_too_many() -> None:
    with pytest.raises(ValueError, match=r"--vary workers has no effect: no command has \{worke"):
        checked(["a=ls {port}"], "workers=1")
    numbers = ",".join(map(str, range(65)))
    with pytest.raises(ValueError, match="has 65 variants: at most 64"):
        checked(["a=ls {port} {n}"], f"n={numbers}")
