"""Values are drawn for each request from the seed, and written as their place requires."""

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from loadtests.load.drawn import Template
from loadtests.load.request import RequestSpec

ODD = 'Ann "A" & Sons/ü\n'


def drawn(
    spec: RequestSpec, count: int = 1, seed: int = 1, first: int = 0, of: int = 1
) -> list[str]:
    requests = Template(spec, "service:80", "/api").requests(Random(seed), first, of)
    return [request.decode() for request in islice(requests, count)]


@pytest.fixture
def users(tmp_path: Path) -> str:
    path = tmp_path / "users.csv"
    path.write_text(
        "\N{ZERO WIDTH NO-BREAK SPACE}name,age,full name\nAnn,1,Ann A\n\nBob,2,Bob B\n",
        encoding="utf-8",
    )
    return str(path)


def test_what_never_varies_is_written_once() -> None:
    requests = Template(
        RequestSpec("", target="/a b?c={ü}&d=%20".replace("{ü}", "ü")), "h"
    ).requests(Random(1))
    first, second = next(requests), next(requests)
    assert first is second
    assert first == b"GET /a%20b?c=%C3%BC&d=%20 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        (RequestSpec("", "POST"), {"Content-Length: 0"}),
        (
            RequestSpec("", "POST", body='{"a": {"b": "%s {c}"}}'),
            {"Content-Length: 22", "Content-Type: application/json"},
        ),
        (
            RequestSpec("", "PUT", body="ü=1"),
            {"Content-Length: 4", "Content-Type: application/x-www-form-urlencoded"},
        ),
        (
            RequestSpec("", headers=(("host", "shop"), ("ACCEPT", ""), ("X", "{id:1}"))),
            {"host: shop", "X: {id:1}"},
        ),
    ],
)
def test_headers_that_follow_from_the_rest(spec: RequestSpec, lines: set[str]) -> None:
    [request] = drawn(spec)
    head, body = request.split("\r\n\r\n")
    usual = {"Host: service:80", "Accept: */*"} if len(spec.headers) == 0 else set()
    assert set(head.split("\r\n")[1:]) == lines | usual
    assert body == spec.body


def test_numbers_are_uniform_over_their_range() -> None:
    counts = Counter(drawn(RequestSpec("", target="/{id:-2..2}"), 5000))
    assert {request.split()[1] for request in counts} == {f"/api/{n}" for n in range(-2, 3)}
    assert all(850 < count < 1150 for count in counts.values())


def test_values_of_a_request_belong_together(users: str) -> None:
    spec = RequestSpec(
        *("", "POST", f"/{{name:{users}}}/{{id:1..99}}", (("X", f"{{full name:{users}}}"),)),
        f'[{{id:1..99}}, "{{age:{users}}}"]',
    )
    seen_rows = set()
    for request in drawn(spec, 50):
        head, body = request.split("\r\n\r\n")
        _, _, name, number = head.split()[1].split("/")
        again, age = json.loads(body)
        assert int(number) == again
        assert f"X: {name} {name[0]}\r\n" in head
        assert f"Content-Length: {len(body)}" in head
        seen_rows.add((name, age))
    assert seen_rows == {("Ann", "1"), ("Bob", "2")}


def test_several_generators_send_what_one_would() -> None:
    spec = RequestSpec("", target="/{a:1..1000000}?b={b:1..1000000}")
    whole = drawn(spec, 30)
    assert whole == drawn(spec, 30)
    assert whole != drawn(spec, 30, seed=2)
    for first in range(3):
        assert drawn(spec, 10, first=first, of=3) == whole[first::3]


@pytest.mark.parametrize(
    ("place", "written"),
    [
        (RequestSpec("", target="/VALUE?q=VALUE"), "Ann%20%22A%22%20%26%20Sons%2F%C3%BC%0A"),
        (RequestSpec("", "POST", body="name=VALUE"), "Ann+%22A%22+%26+Sons%2F%C3%BC%0A"),
        (RequestSpec("", "POST", body='{"name": VALUE}'), '": "Ann \\"A\\" & Sons/\\u00fc\\n"}'),
        (RequestSpec("", "POST", body='{"a": "\\"VALUE"}'), '"\\"Ann \\"A\\" & Sons/\\u00fc\\n"}'),
        (
            RequestSpec("", "POST", headers=(("Content-Type", "text/xml"),), body="<a>VALUE</a>"),
            f"<a>{ODD}</a>",
        ),
    ],
)
def test_odd_values_are_written_as_their_place_requires(
    place: RequestSpec, written: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.csv"
    quoted = ODD.replace('"', '""')
    path.write_text(f'v\n"{quoted}"\n', encoding="utf-8")
    data = json.loads(json.dumps(place.dump()).replace("VALUE", f"{{v:{path}}}"))
    [request] = drawn(RequestSpec.load(data))
    assert written in request


def test_json_keeps_numbers_and_constants(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text('v\n1\n-2.5e3\ntrue\nnull\n007\n""""\n')
    bodies = {
        request.rpartition("\r\n")[2]
        for request in drawn(RequestSpec("", "POST", body=f"[{{v:{path}}}]"), 99)
    }
    assert bodies == {"[1]", "[-2.5e3]", "[true]", "[null]", '["007"]', '["\\""]'}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    spec = RequestSpec("", target=f"/{{v:{path}}}")
    for value in ("a", "bc"):
        path.write_text(f"v\n{value}\n")
        assert drawn(spec)[0].startswith(f"GET /api/{value} ")
