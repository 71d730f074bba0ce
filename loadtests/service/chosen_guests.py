"""Which services of the user are measured, and with which requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.load.request import RequestSpec
from loadtests.load.request_text import ParsedRequest
from loadtests.service.guests import Guest, Varied


@dataclass(frozen=True, slots=True)
class Guests:
    """Services of the user, what varies between their rows, and what is sent to them."""

    services: tuple[Guest, ...]
    varied: Varied
    requests: Mapping[str, ParsedRequest]  # by their labels
    bystander: RequestSpec | None = None
    directory: str = "."
    start_s: float = 60.0

    @property
    def insecure(self) -> bool:
        """Whether their certificates may be of unknown origin."""
        return any(parsed.insecure for parsed in self.requests.values())

    def named(self, name: str) -> Guest:
        return next(guest for guest in self.services if guest.name == name)

    def request(self, guest: Guest, label: str) -> RequestSpec:
        """Return a request as that service gets it, below its address."""
        parsed = self.requests[label]
        return parsed.below(guest.url) if guest.url else parsed.spec
