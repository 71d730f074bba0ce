"""Where requests to services of the user are measured: on fresh ones, or on those that run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loadtests.cell import Variation
from loadtests.errors import ServiceError
from loadtests.load.http import ConnectionPool
from loadtests.load.redirect import resolved
from loadtests.load.request import RequestSpec
from loadtests.service.chosen_guests import Guests
from loadtests.service.command import CommandProcess
from loadtests.service.contract import Discovery
from loadtests.service.guests import Guest, settings
from loadtests.service.launcher import Launcher, RunningService
from loadtests.service.process import OthersProcess
from loadtests.service.warm_up import wrong_answer

LOOK_S = 10.0  # for an answer while a service starts
BYSTANDER = "bystander"


class GuestLauncher:
    """Starts services of the user; their logs are kept in a folder, one for each of them."""

    host = ""

    def __init__(self, guests: Guests, folder: Path) -> None:
        self.guests = guests
        self._folder = folder
        self.variations = {
            variation.label: variation
            for guest in guests.services
            for variation in guest.variants(guests.varied)
        }

    def variants(self, guest: Guest) -> list[str]:
        """Return the labels of the rows of a service."""
        return [variation.label for variation in guest.variants(self.guests.varied)]

    @contextmanager
    def start(
        self,
        models: str | None,
        variant: str = "",
        *,
        axes: Mapping[str, str] = MappingProxyType({}),
        cores: int | None = None,
    ) -> Iterator[RunningService]:
        """Yield a running service, which `models` names.

        `axes` replace what varies; `cores` limits how many it may use. Raises StartError if it does
        not start, and ServiceError for a request that it does not answer as expected.
        """
        guest = self.guests.named(models or self.guests.services[0].name)
        variation = self.variations[variant]
        values = {**variation.options, **axes}
        if guest.url:
            process = OthersProcess(guest.url, guest.pid) if guest.pid else None
            yield RunningService(guest.url, process, self._described(guest, variation, guest.url))
            return
        with CommandProcess(
            guest.name,
            guest.words(values),
            lambda url: self._answers(guest, url),
            self._folder / f"{guest.name}.log",
            directory=self.guests.directory,
            cores=cores,
            start_s=self.guests.start_s,
        ) as subject:
            described = self._described(guest, variation, subject.url)
            yield RunningService(subject.url, subject, described)

    def _answers(self, guest: Guest, url: str) -> tuple[int, str] | None:
        """Say how it answers its first request, unless as it should."""
        spec = self.guests.request(guest, next(iter(self.guests.requests)))
        with closing(self._connections(url)) as connections:
            return wrong_answer(connections, resolved(connections, spec).request)

    def _described(self, guest: Guest, variation: Variation, url: str) -> Discovery:
        """Describe a running service as our own server describes itself, with its requests."""
        requests: dict[str, dict[str, Any]] = {}
        with closing(self._connections(url)) as connections:
            for label in self.guests.requests:
                request = self._checked(connections, self.guests.request(guest, label), guest.name)
                requests[label] = {
                    "models": [guest.name],
                    "parameters": {},
                    "request": request.dump(),
                }
            beside = self.guests.bystander
            if beside:
                beside = self._checked(connections, beside, guest.name)
        return Discovery(
            models={guest.name: {}},
            workloads=requests,
            runtime={
                **settings(guest, variation, self.guests.varied),
                BYSTANDER: beside.dump() if beside else None,
                "insecure": self.guests.insecure,
            },
        )

    def _checked(self, connections: ConnectionPool, spec: RequestSpec, name: str) -> RequestSpec:
        """Return a request without redirects. Raises ServiceError if its answer is wrong."""
        try:
            request = resolved(connections, spec).request
            wrong = wrong_answer(connections, request)
        except OSError as error:
            what, reason = f"{spec.method} {spec.target}", error.strerror or error
            raise ServiceError(
                f"{name} does not answer {what} at {connections.url}: {reason}"
            ) from None
        if wrong:
            raise ServiceError(f"{name}: {wrong[1]}: correct the request, or add --expect STATUS")
        return replace(request, label=spec.label)

    def _connections(self, url: str) -> ConnectionPool:
        return ConnectionPool(url, LOOK_S, insecure=self.guests.insecure)


AnyLauncher = Launcher | GuestLauncher
