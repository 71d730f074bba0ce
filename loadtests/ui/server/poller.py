"""Reads the service's figures once a second, while a test runs or a page is open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import gevent
import psutil
from gevent.hub import get_hub
from locust.env import Environment

from loadtests.load.http import ConnectionPool
from loadtests.ui.server.vitals import Vitals

EVERY_S = 1.0
PATIENCE_S = 2.0  # for an answer: a blocked loop gives none
LOOKED_S = 5.0  # after which a page has been closed
WEIGHED_EVERY_S = 5.0  # the kernel adds up each page of a process for it
SAME_CPU_S = 1.0  # by which a process here may differ from what the service says of it


class Watching:
    """Looks at the service at --host; `vitals` has what it said."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._url = ""
        self._connections: ConnectionPool | None = None
        self._looked = self._weighed = -LOOKED_S
        self.vitals = Vitals(monotonic())
        gevent.spawn(self._watch)

    def shown(self) -> dict[str, Any]:
        """Say how the service fares, and go on looking: a page is open."""
        self._looked = now = monotonic()
        return {"host": self._environment.host, **self.vitals.shown(now)}

    def _watch(self) -> None:
        idle = True
        while True:
            begun = monotonic()
            runner = self._environment.runner
            if begun - self._looked < LOOKED_S or (
                runner is not None and runner.state in {"spawning", "running"}
            ):
                if idle:
                    self._begin(begun)
                self._look(begun)
                idle = False
            else:
                idle = True
            gevent.sleep(max(0.1, begun + EVERY_S - monotonic()))

    def _begin(self, now: float) -> None:
        """Start a new watch: the service was not silent while the page was closed."""
        self.vitals.begun = now
        self._weighed = now - WEIGHED_EVERY_S

    def _look(self, begun: float) -> None:
        url = str(self._environment.host)
        if self._connections is None or url != self._url:
            if self._connections is not None:
                self._connections.close()
            self._url, self._connections = url, ConnectionPool(url, PATIENCE_S)
            self.vitals = Vitals(begun)
        try:
            stats = json.loads(self._connections.get("/stats").body)
            self.vitals.take(monotonic(), stats)
        except (OSError, ValueError, LookupError, TypeError):
            self.vitals.missed(monotonic())
            return
        if _here(url) and begun - self._weighed >= WEIGHED_EVERY_S:
            self._weighed = begun
            weigh = get_hub().threadpool.apply  # reading it would hold up the load
            self.vitals.weighed(weigh(_pss_mib, (stats["processes"],)))


def _here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pss_mib(processes: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """Weigh those that are the service's; behind a forwarded port other machines' are not."""
    sizes = {}
    for item in processes:
        with suppress(psutil.Error, AttributeError):  # it ended, or this is not Linux
            process = psutil.Process(item["pid"])
            times = process.cpu_times()
            if abs(times.user + times.system - item["cpu_s"]) < SAME_CPU_S:
                sizes[item["pid"]] = process.memory_full_info().pss / 2**20
    return sizes
