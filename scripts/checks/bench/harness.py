"""The server costs little more CPU per request than bare handlers that return the same bytes.

On two cores, a rate measured from outside would be the limit of the clients. So the CPU per
request is compared; its inverse is the rate that a core can serve.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from loadtests.load.http import ConnectionPool
from scripts.checks.shared.fast_clients import cost

CLIENTS = 32
TURN_S = 1.5
ROUNDS = 9
MODELS = ("inline", "thread-pool", "process-pool")


def harness(ours: tuple[str, int], bare: tuple[str, int]) -> Iterator[str]:
    """Compare each model in turns, so that a drift of the machine affects both sides."""
    for model in MODELS:
        for (url, _pid), path in ((ours, f"/noop/{model}"), (bare, f"/{model}")):
            _warm_up(url, path)
        pairs = []
        for _ in range(ROUNDS):
            other = cost(*bare, f"/{model}", CLIENTS, TURN_S)
            pairs.append((cost(*ours, f"/noop/{model}", CLIENTS, TURN_S), other))
        ratios = sorted(other[1] / own[1] for own, other in pairs)
        ours_us, bare_us = (1e6 * median(pair[side][1] for pair in pairs) for side in (0, 1))
        visible = median(own[0] / other[0] for own, other in pairs)
        yield (
            f"noop/{model}: {median(ratios):.2f} of the bare rate "
            f"({ratios[1]:.2f}–{ratios[-2]:.2f}), {ours_us:.0f} against {bare_us:.0f} µs CPU per "
            f"request; {visible:.2f} as measured by clients"
        )


def _warm_up(url: str, path: str) -> None:
    """Wait for an answer: the first one may have to wait until processes have started."""
    connections = ConnectionPool(url)
    status, _ = connections.get(path)
    connections.close()
    assert status == 200, path
