"""The UI of Locust, as a browser talks to it."""

import json
import re
import urllib.request
from typing import Any
from urllib.parse import urlencode

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Interface:
    def __init__(self, url: str) -> None:
        self.url = url

    def page(self) -> str | None:
        """Return its page, or None as long as there is none."""
        try:
            return self._open("/", None).decode()
        except OSError:
            return None

    def post(self, path: str, *fields: tuple[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._open(path, urlencode(fields).encode()))
        return answer

    def rows(self, state: str) -> dict[str, dict[str, Any]] | None:
        """Return the rows by name, or None when Locust is in another state."""
        answer = json.loads(self._open("/stats/requests", None))
        return {row["name"]: row for row in answer["stats"]} if answer["state"] == state else None

    def _open(self, path: str, data: bytes | None) -> bytes:
        with DIRECT.open(self.url + path, data, timeout=10) as answer:
            content: bytes = answer.read()
            return content


def fields(page: str) -> dict[str, dict[str, Any]]:
    """Find what the form offers for our options, by name, in the order of its fields."""
    found = re.search(r"templateArgs = (.*)", page)
    assert found, "the page has no form"
    offered: dict[str, dict[str, Any]] = json.loads(found[1])["extra_options"]
    return offered


def choices(page: str, name: str) -> list[str]:
    return list(fields(page)[name]["choices"])
