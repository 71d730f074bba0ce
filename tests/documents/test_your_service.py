"""The page on services of one's own is true: its requests can be sent, and its commands started."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from loadtests.load.request_text import parse_request
from loadtests.service.guests import running, started, varied

PAGE = (Path(__file__).resolve().parents[2] / "loadtests" / "YOUR_SERVICE.md").read_text()
WRITTEN = re.findall(r"^\$ scripts/survive (.+)$|\| `(--request .+?)` \|$", PAGE, re.MULTILINE)
WORDS = [shlex.split("".join(words)) for words in WRITTEN]


def given(flag: str, words: list[str]) -> list[str]:
    return [value for name, value in pairwise(words) if name == flag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of a reader, with the files that the page speaks of."""
    folder = tmp_path_factory.mktemp("shop")
    [order] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (folder / "order.json").write_text(order)
    (folder / "users.csv").write_text("name,token\nann,1\nbob,2\n")
    return folder


@pytest.mark.parametrize("text", sorted({t for words in WORDS for t in given("--request", words)}))
def test_requests_can_be_sent(text: str, folder: Path) -> None:
    parse_request(text, folder)


@pytest.mark.parametrize("words", [words for words in WORDS if words[0] != "--request"])
def test_services_have_all_that_varies(words: list[str]) -> None:
    guests = started(given("--start", words)) + running(given("--url", words))
    values = varied(given("--vary", words))
    assert guests
    assert all({*guest.placeholders} == values.keys() for guest in guests)


def test_examples_were_found() -> None:
    assert len(WORDS) >= 14
