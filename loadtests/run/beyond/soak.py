"""Keep a cell busy for a long time: it may leak memory or threads, or become slower."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from statistics import median
from tempfile import TemporaryFile
from typing import Any

from loadtests.load.answer import Answer
from loadtests.load.schedule import Phase
from loadtests.paths import ROOT
from loadtests.run.beyond.drift import Point, drift
from loadtests.run.beyond.goodput import shares
from loadtests.run.beyond.lab import LoadedServer, PeakLab
from loadtests.run.constants import CONSTANTS
from loadtests.system.child import child
from loadtests.trial.phased import PhasedResult
from loadtests.trial.tally import Tally, tally

LOAD = CONSTANTS.soak
WINDOWS = 120  # each has a median response time, and one or two samples of the processes
LEAST_S, MOST_S = 0.1, 1.0  # between two samples
WATCHED = ("pss_mib", "threads", "processes", "descriptors")
STOP_S = 5.0

Series = dict[str, list[Point]]


def run(lab: PeakLab, duration_s: float) -> dict[str, Any]:
    rate = lab.rate(LOAD)
    interval_s = min(MOST_S, max(LEAST_S, duration_s / WINDOWS))

    def attempt(server: LoadedServer) -> tuple[Series, Tally]:
        with _watching(server, interval_s) as samples:
            result = server.offer([Phase(rate, duration_s)])
        return _series(result, samples), tally(result.work, lab.slo, duration_s)

    series, work = lab.valid(attempt)
    drifts = {name: drift(points, duration_s) for name, points in series.items()}
    return {
        "shares": shares(work),
        "loss_ratio": work.loss_ratio,
        "rate": rate,
        "duration_s": duration_s,
        "drift": {name: line and asdict(line) for name, line in drifts.items()},
        "watched": not lab.services.host,
    }


def medians(answers: Iterable[Answer], duration_s: float, windows: int = WINDOWS) -> list[Point]:
    """Return the median response time in ms of each window that has any answers."""
    times: list[list[float]] = [[] for _ in range(windows)]
    for answer in answers:
        if answer.outcome == "ok" and answer.ended_s is not None:
            place = int(answer.intended_s / duration_s * windows)
            times[place].append(1e3 * (answer.ended_s - answer.intended_s))
    width = duration_s / windows
    return [((place + 0.5) * width, median(window)) for place, window in enumerate(times) if window]


def _series(result: PhasedResult, samples: Iterable[Mapping[str, Any]]) -> Series:
    series: Series = {
        name: [(item["at"] - result.zero, item[name]) for item in samples if item[name] is not None]
        for name in WATCHED
    }
    return {**series, "p50_ms": medians(result.work, result.duration_s)}


@contextmanager
def _watching(server: LoadedServer, interval_s: float) -> Iterator[list[dict[str, Any]]]:
    """Sample our own server while the block runs; the list is filled when the block ends."""
    samples: list[dict[str, Any]] = []
    if server.service.subject is None:
        yield samples
        return
    pid = str(server.service.subject.pid)
    with TemporaryFile() as file:
        with child(
            [sys.executable, "-P", "-m", "loadtests.service.sampler", pid, f"{interval_s:g}"],
            stop_s=STOP_S,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=file,
        ):
            yield samples
        file.seek(0)
        samples += [json.loads(line) for line in file if line.endswith(b"\n")]
