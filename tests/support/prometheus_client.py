"""The server's metrics as Prometheus reads them."""

from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.support.server_process import Running


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of `/metrics`: samples by name and labels, and the families' types."""

    content_type: str
    types: dict[str, str]
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """Return a sample by its full name and all its labels; 0 if there is none."""
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def all(self, name: str, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
        """List the samples of a name that have at least these labels."""
        return {
            own: value
            for (sample, own), value in self.samples.items()
            if sample == name and labels.items() <= own
        }

    def total(self, name: str, **labels: str) -> float:
        return sum(self.all(name, **labels).values())


async def scrape(server: Running, **headers: str) -> Scrape:
    """Fetch the metrics over a new connection, so that any loop may answer."""
    async with (
        aiohttp.ClientSession(server.url) as session,
        session.get("/metrics", headers=headers) as response,
    ):
        return parsed(await response.text(), response.headers["Content-Type"])


def parsed(text: str, content_type: str = "") -> Scrape:
    families: list[Any] = list(text_string_to_metric_families(text))
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    assert len(samples) == sum(len(family.samples) for family in families), "a duplicate sample"
    return Scrape(content_type, {family.name: family.type for family in families}, samples)
