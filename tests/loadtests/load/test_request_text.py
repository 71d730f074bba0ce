"""What people write, or paste, is the request that is sent; what cannot be kept is named."""

from pathlib import Path

import pytest

from loadtests.load.request import RequestSpec
from loadtests.load.request_text import ParsedRequest, parse_request

FORM = ("Content-Type", "application/x-www-form-urlencoded")
BODY = '{"id": {id:1..5}, "who": "{name:users.csv}"}'
ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("requests")
    (folder / "order.json").write_text(BODY)
    (folder / "lines.txt").write_bytes(b"a=1\r\n&b=2\n")
    (folder / "users.csv").write_text("name,age\nAnn,3\nBob,4\n")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / "empty.csv").write_text("")
    (folder / "bare.csv").write_text("name,age\n")
    (folder / "ragged.csv").write_text("name,age\nAnn\n")
    (folder / "acting.csv").write_text('name\n"a\nb"\n')
    return folder


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("/orders/7", RequestSpec("/orders/7", target="/orders/7")),
        ("get /orders?a=1#top", RequestSpec("/orders?a=1", target="/orders?a=1")),
        ("DELETE /o", RequestSpec("DELETE /o", "DELETE", "/o")),
        ("/o --body a=1", RequestSpec("POST /o", "POST", "/o", body="a=1")),
        ("/o/{id:-3..7}", RequestSpec("/o/{id}", target="/o/{id:-3..7}")),
        (
            "--label pay PUT /o --header 'X: a: b ' --header Y:1 --body '{\"a\": 1}' --expect 409",
            RequestSpec("pay", "PUT", "/o", (("X", "a: b"), ("Y", "1")), '{"a": 1}', 409),
        ),
        ("/o --expect 'is paid'", RequestSpec("/o", target="/o", text="is paid")),
        ("/o --expect paid --expect 202", RequestSpec("/o", "GET", "/o", status=202, text="paid")),
    ],
)
def test_a_path_and_its_options(text: str, spec: RequestSpec) -> None:
    assert parse_request(text, Path()) == ParsedRequest(spec)
    assert RequestSpec.load(spec.dump()) == spec


def test_files_are_named_by_their_whole_path(folder: Path) -> None:
    spec = parse_request("POST /{name:users.csv} --body @order.json", folder).spec
    file = folder / "users.csv"
    assert spec.label == "POST /{name}"
    assert spec.target == f"/{{name:{file}}}"
    assert spec.body == BODY.replace("users.csv", str(file))


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("curl 127.0.0.1:8000", RequestSpec("/")),
        (f"curl -sSL '{ORIGIN}/a?b=c' -v", RequestSpec("/a?b=c", target="/a?b=c")),
        (f"curl --url {ORIGIN}?b", RequestSpec("/?b", target="/?b")),
        (
            f"curl -XPUT {ORIGIN}/a -d a=1 -d @lines.txt --data-raw @x",
            RequestSpec("PUT /a", "PUT", "/a", (FORM,), "a=1&a=1&b=2&@x"),
        ),
        (
            f"curl {ORIGIN}/a -H 'content-type: text/plain' -H 'Content-Length: 5' "
            "--data-binary @lines.txt",
            RequestSpec(
                "POST /a", "POST", "/a", (("content-type", "text/plain"),), "a=1\r\n&b=2\n"
            ),
        ),
        (
            f"curl {ORIGIN}/a --json '{{}}' --expect 201 --label add",
            RequestSpec(
                *("add", "POST", "/a"),
                (("Content-Type", "application/json"), ("Accept", "application/json")),
                *("{}", 201),
            ),
        ),
        (
            f"curl -G {ORIGIN}/a?b=c -d d=1 --data-urlencode 'e=f g' --data-urlencode '=&'",
            RequestSpec("/a?b=c&d=1&e=f+g&%26", target="/a?b=c&d=1&e=f+g&%26"),
        ),
        (
            f"curl -I {ORIGIN} -b a=1 -b 'b=2; c=3' -A me -e from -u me:secret --compressed",
            RequestSpec(
                *("HEAD /", "HEAD", "/"),
                (
                    ("Cookie", "a=1; b=2; c=3"),
                    ("User-Agent", "me"),
                    ("Referer", "from"),
                    ("Authorization", "Basic bWU6c2VjcmV0"),
                    ("Accept-Encoding", "gzip, deflate"),
                ),
            ),
        ),
        (
            f"curl '{ORIGIN}/a' \\\n -H 'Accept: */*' \\\r\n --data-raw $'it\\'s \\u0041\\n\\x42'",
            RequestSpec("POST /a", "POST", "/a", (("Accept", "*/*"), FORM), "it's A\nB"),
        ),
    ],
)
def test_a_curl_line_is_kept(text: str, spec: RequestSpec, folder: Path) -> None:
    assert parse_request(text, folder) == ParsedRequest(spec, ORIGIN)


def test_a_curl_line_belongs_to_a_service() -> None:
    parsed = parse_request("curl -k HTTPS://Shop.example:443/api/orders?a=1", Path())
    assert (parsed.origin, parsed.insecure) == ("https://shop.example", True)
    for url, target in (
        ("https://shop.example", "/api/orders?a=1"),
        ("https://SHOP.example:443/", "/api/orders?a=1"),
        ("https://shop.example/api/", "/orders?a=1"),
        ("https://shop.example/api/orders", "/?a=1"),
    ):
        assert parsed.below(url).target == target
    for url in ("http://shop.example", "https://shop.example:8443", "https://shop.example/ap"):
        with pytest.raises(ValueError, match="does not belong to the service at"):
            parsed.below(url)
    assert parse_request("/orders", Path()).below("http://any/api").target == "/orders"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the request is empty: expected e.g."),
        ("'", 'invalid request "\'": a quotation mark is missing'),
        ("orders", "invalid request 'orders': expected e.g. '/orders/7'"),
        ("GET", "expected e.g. '/orders/7'"),
        ("G3T /", "expected e.g. '/orders/7'"),
        ("GET / /", "expected e.g. '/orders/7'"),
        ("CONNECT /", "CONNECT makes a tunnel"),
        ("/ --bodi x", "unrecognized arguments: --bodi"),
        ("/ --body", "argument --body: expected one argument"),
        ("/ --body @none", "none: No such file or directory"),
        ("/ --body @picture.png", "picture.png is not a text in UTF-8"),
        ("/ --header X", "invalid header 'X': expected e.g. 'X-Shop: 7'"),
        ("/ --header 'X: a\nb'", r"a header cannot hold 'a\nb'"),
        ("/ --header 'Transfer-Encoding: chunked'", "the header Transfer-Encoding cannot be kept"),
        ("/ --label 'a\tb'", "characters that cannot be shown"),
        ("/ --expect 200 --expect 201", "--expect takes one status, one text, or both"),
        ("/ --expect a --expect b", "--expect takes one status, one text, or both"),
        ("/ --expect ''", "--expect takes one status, one text, or both"),
        ("HEAD / --expect a", "the answer to a HEAD has no body that could contain 'a'"),
        (
            "/ --expect a --header 'Accept-Encoding: gzip;q=1, br'",
            "'a' cannot be looked for in answers compressed with br",
        ),
        ("/{id}", "'{id}' in the target of a request is not a value to draw: expected e.g. {id:"),
        ("/{id:5..1}", "{id:5..1} is reversed: expected {id:1..5}"),
        ("/{id:1..1000000000000000000000}", "too large"),
        ("/{name:none.csv}", "none.csv: No such file or directory"),
        ("/{nam:users.csv}", "users.csv; did you mean 'name'?"),
        ("/{name:empty.csv}", "empty.csv is empty"),
        ("/{name:bare.csv}", "bare.csv has no rows"),
        ("/{name:ragged.csv}", "row 2 of"),
        ("/ --header 'X: {name:acting.csv}'", r"a header cannot hold 'a\nb'"),
        ("curl", "a request has one URL, not 0"),
        ("curl a b", "a request has one URL, not 2"),
        ("curl ftp://a/", "'ftp://a/' is not the URL of a service"),
        ("curl http://me:secret@a/", "a URL with a password cannot be kept"),
        ("curl -x p http://a", "curl's -x cannot be kept: requests go straight to the service"),
        ("curl -F a=b http://a", "curl's -F cannot be kept: write the whole body to a file"),
        ("curl --http2 http://a", "curl's --http2 cannot be kept: requests are HTTP/1.1"),
        ("curl -so f http://a", "curl's -o cannot be kept: answers are not stored"),
        ("curl --retry=3 http://a", "curl's --retry cannot be kept: remove it"),
        ("curl -u me http://a", "the password is missing: expected -u me:PASSWORD"),
        ("curl -b jar http://a", "the file of cookies 'jar' is not read"),
        ("curl -H @f http://a", "invalid header '@f'"),
        ("curl --data-urlencode n@f http://a", "does not read files here"),
    ],
)
def test_what_cannot_be_kept_is_named(text: str, message: str, folder: Path) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        parse_request(text, folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_long_text_is_not_repeated() -> None:
    long = parse_request(f"POST /search?q={'a' * 99}", Path()).spec.label
    assert long == f"POST /search?q={'a' * 44}…"
    with pytest.raises(ValueError, match="invalid request ") as caught:
        parse_request(f"curl http://a -x p {'-H a:b ' * 999}", Path())
    assert len(str(caught.value)) < 250
