"""The server costs little more CPU per request than bare handlers that return the same bytes.

On two cores, a rate measured from outside would be the limit of the load generator. So the CPU per
request is compared; its inverse is the rate that a core can serve.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from statistics import median
from time import monotonic

import gevent
import psutil

from loadtests.load.http import ConnectionPool

CLIENTS = 32
TURN_S = 1.5
ROUNDS = 9
MODELS = ("inline", "thread-pool", "process-pool")


def cpu_us(url: str, path: str, pid: int) -> tuple[float, float]:
    """Measure a service's CPU microseconds per request, in all processes, and its rate."""
    connections = ConnectionPool(url)
    answered = 0

    def client() -> None:
        nonlocal answered
        with suppress(OSError):
            while True:
                reply = connections.get(path)
                answered += reply.status == 200

    clients = [gevent.spawn(client) for _ in range(CLIENTS)]
    gevent.sleep(0.2)
    before, begun, used = answered, monotonic(), _cpu_s(pid)
    gevent.sleep(TURN_S)
    served, took, used = answered - before, monotonic() - begun, _cpu_s(pid) - used
    gevent.killall(clients)
    connections.close()
    return 1e6 * used / served, served / took


def _cpu_s(pid: int) -> float:
    server = psutil.Process(pid)
    times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
    return sum(used.user + used.system for used in times)


def harness(ours: tuple[str, int], bare: tuple[str, int]) -> Iterator[str]:
    """Compare each model in turns, so that a drift of the machine affects both sides."""
    for model in MODELS:
        pairs = []
        for _ in range(ROUNDS):
            other = cpu_us(bare[0], f"/{model}", bare[1])
            pairs.append((cpu_us(ours[0], f"/noop/{model}", ours[1]), other))
        ratios = sorted(other[0] / own[0] for own, other in pairs)
        ours_us, bare_us = (median(pair[side][0] for pair in pairs) for side in (0, 1))
        visible = median(own[1] / other[1] for own, other in pairs)
        yield (
            f"noop/{model}: {median(ratios):.2f} of the bare rate "
            f"({ratios[1]:.2f}–{ratios[-2]:.2f}), {ours_us:.0f} against {bare_us:.0f} µs CPU per "
            f"request; {visible:.2f} as measured by the generator"
        )
