"""The open loop offers the rate that it claims, on time, and at little cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random
from statistics import fmean, median, pvariance
from time import monotonic, process_time

from loadtests.load.arrivals import poisson
from loadtests.load.http import ConnectionPool
from loadtests.load.open_loop import OpenLoop, Request
from loadtests.load.request import RequestSpec
from loadtests.load.source import undisturbed
from loadtests.trial.tally import percentile_ms
from scripts.checks.shared.children import output

DURATION_S = 10.0
ROUNDS = 3
LEAD_S = 0.1


def offer(
    connections: ConnectionPool, path: str, rate: float, seed: int
) -> tuple[list[Request], float]:
    """Offer a Poisson schedule; returns the requests and the generator's CPU seconds."""
    ended: list[Request] = []
    generator = OpenLoop(connections, RequestSpec(path, target=path, status=200), ended.append)
    schedule = poisson(rate, DURATION_S, Random(seed))  # noqa: S311 - a schedule, no secret
    with undisturbed():  # as in a trial
        begun, cpu = monotonic() + LEAD_S, process_time()
        generator.offer(begun + at for at in schedule)
        generator.drain(5.0)
        used = process_time() - cpu
    return ended, used


def accuracy(url: str, rate: float) -> Iterator[str]:
    """Measure rate error and dispersion at a server that records arrivals, and the send lag."""
    connections = ConnectionPool(url)
    errors, dispersions, lags, costs = [], [], [], []
    connections.get("/recorded")
    for seed in range(ROUNDS):
        sent, cpu = offer(connections, "/record", rate, seed)
        times = json.loads(connections.get("/recorded").body)
        errors.append(100 * (len(times) / (rate * DURATION_S) - 1))
        dispersions.append(dispersion([time - times[0] for time in times]))
        lag = sorted(item.sent - item.intended for item in sent if item.sent is not None)
        lags.append(percentile_ms(lag, 99) or 0.0)
        costs.append(1e6 * cpu / len(sent))
    connections.close()
    yield (
        f"{rate:.0f}/s: offered-rate error {max(errors, key=abs):+.2f} %, dispersion "
        f"{median(dispersions):.2f} ({min(dispersions):.2f}–{max(dispersions):.2f}), send lag "
        f"p99 {median(lags):.1f} ms, generator CPU {median(costs):.0f} µs per request"
    )


def cost(url: str, rate: float) -> str:
    """Compare the generator's CPU per request with that of Locust's FastHttpUser, in turns."""
    connections = ConnectionPool(url)
    ours, theirs = [], []
    for seed in range(ROUNDS):
        sent, cpu = offer(connections, "/record", rate, seed)
        ours.append(1e6 * cpu / len(sent))
        theirs.append(float(output("scripts.checks.bench.fast_http_user", url, rate, DURATION_S)))
        connections.get("/recorded")  # which clears the record
    connections.close()
    ratios = sorted(our / their for our, their in zip(ours, theirs, strict=True))
    return (
        f"CPU per request at {rate:.0f}/s: generator {median(ours):.0f} µs, Locust's FastHttpUser "
        f"{median(theirs):.0f} µs, {median(ratios):.2f} × ({ratios[0]:.2f}–{ratios[-1]:.2f})"
    )


def dispersion(times: Sequence[float], bin_s: float = 0.010) -> float:
    """Divide the variance of the counts per bin by their mean: 1 for Poisson, near 0 for even.

    The times are sorted and begin at 0; an incomplete last bin is left out.
    """
    bins = int(times[-1] / bin_s)
    counts = [0] * (bins + 1)
    for time in times:
        counts[int(time / bin_s)] += 1
    counts.pop()
    mean = fmean(counts)
    return pvariance(counts, mean) / mean if mean else 0.0
