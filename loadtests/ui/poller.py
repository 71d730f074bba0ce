"""Reads the service's figures once a second, while a test runs or a page is open."""

from __future__ import annotations

import json
import os
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
from loadtests.machine.disturbances import disturbances
from loadtests.machine.sentinel import Sentinel
from loadtests.service.sampler import cpu_s, family
from loadtests.ui.vitals import Vitals

EVERY_S = 1.0
PATIENCE_S = 2.0  # for an answer: a blocked loop gives none
OPEN_S = 5.0  # without a request, a page has been closed
WEIGHED_EVERY_S = 5.0  # the kernel adds up each page of a process for it
JUDGED_EVERY_S = 10.0  # whether other processes used the cores: in a second, anything does
SAME_CPU_S = 1.0  # by which a process here may differ from the service's own figure


class Watching:
    """Asks the service at --host; `vitals` has its answers.

    `disturbances` say what else used the cores lately, if the service is on this machine.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._url = ""
        self._connections: ConnectionPool | None = None
        self._shown = self._weighed = -OPEN_S
        self.vitals = Vitals(monotonic())
        self.disturbances: tuple[str, ...] = ()
        self._sentinel = Sentinel()
        self._own_s: float | None = None  # CPU time when the sentinel began, of us and the service
        self._begun = 0.0
        gevent.spawn(self._watch)

    def as_json(self) -> dict[str, Any]:
        """Show the service, and go on asking, because a page is open."""
        self._shown = now = monotonic()
        return {"host": self._environment.host, **self.vitals.as_json(now)}

    def _watch(self) -> None:
        idle = True
        while True:
            begun = monotonic()
            runner = self._environment.runner
            before, idle = (
                idle,
                begun - self._shown >= OPEN_S
                and (runner is None or runner.state not in {"spawning", "running"}),
            )
            if before and not idle:  # the service was not silent while the page was closed
                self.vitals.begun = begun
                self._weighed = begun - WEIGHED_EVERY_S
                self._own_s, self.disturbances = None, ()
            if not idle:
                self._ask(begun)
            gevent.sleep(max(0.1, begun + EVERY_S - monotonic()))

    def _ask(self, begun: float) -> None:
        url = str(self._environment.host)
        if self._connections is None or url != self._url:
            if self._connections is not None:
                self._connections.close()
            self._url, self._connections = url, None
            self.vitals = Vitals(begun)
            self._own_s, self.disturbances = None, ()
        try:
            self._connections = self._connections or ConnectionPool(url, PATIENCE_S)
            stats = json.loads(self._connections.get("/stats").body)
            self.vitals.add(monotonic(), stats)
        except (OSError, ValueError, LookupError, TypeError):
            self.vitals.miss(monotonic())
            return
        if not _here(url):
            return
        if self._own_s is None or begun - self._begun >= JUDGED_EVERY_S:
            self._judge(
                begun,
                cpu_s(family(os.getpid())) + sum(item["cpu_s"] for item in stats["processes"]),
            )
        if begun - self._weighed >= WEIGHED_EVERY_S:
            self._weighed = begun
            apart = get_hub().threadpool.apply  # reading it would hold up the load
            self.vitals.weigh(apart(_pss_mib, (stats["processes"],)))

    def _judge(self, now: float, own_s: float) -> None:
        """See what other processes used since the last look."""
        if self._own_s is not None and own_s >= self._own_s:  # else the service was restarted
            self.disturbances = disturbances(self._sentinel.end(own_s - self._own_s))
        self._own_s, self._begun = own_s, now
        self._sentinel.begin()


def _here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pss_mib(processes: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """Measure the processes of the service: behind a forwarded port, a pid here is of another."""
    sizes = {}
    for item in processes:
        with suppress(psutil.Error, AttributeError):  # it ended, or this is not Linux
            process = psutil.Process(item["pid"])
            times = process.cpu_times()
            if abs(times.user + times.system - item["cpu_s"]) < SAME_CPU_S:
                sizes[item["pid"]] = process.memory_full_info().pss / 2**20
    return sizes
