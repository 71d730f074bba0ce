"""What Prometheus reads: the whole service, whichever of its loops answers.

Labels are names of the server's own (workloads, models, roles), never a request's.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.openmetrics import exposition
from prometheus_client.registry import Collector

from server.telemetry.board import Whole
from server.telemetry.counts import BOUNDS_S, Totals
from server.telemetry.processes import Process

GAUGES = {
    "slots": ("slots", "Calls that the model can run at once."),
    "busy": ("busy_slots", "Calls that the model is running."),
    "queued": ("queued_requests", "Requests that are waiting for the model."),
    "abandoned": ("abandoned_calls", "Running calls whose client has given up."),
}
COUNTERS = {
    "refused": ("refused_requests", "Requests refused because too many were waiting."),
    "expired": ("expired_requests", "Requests past their deadline."),
    "cancelled": ("cancelled_requests", "Requests whose client hung up."),
    "restarted": ("restarted_workers", "Workers, or pools of them, that were replaced."),
    "lost": ("lost_calls", "Calls lost with their worker."),
}
QUANTILES = {"p50": "0.5", "p99": "0.99", "max": "1"}
BOUNDS = [*map(str, BOUNDS_S), "+Inf"]


class Families(Collector):
    """The metrics of one moment."""

    def __init__(
        self,
        whole: Whole,
        processes: Iterable[Process],
        runtime: Mapping[str, Any],
        uptime_s: float,
    ) -> None:
        self._whole = whole
        self._processes = list(processes)
        self._runtime = runtime
        self._uptime_s = uptime_s

    def collect(self) -> Iterator[Metric]:
        info = {name: _label(value) for name, value in self._runtime.items() if _plain(value)}
        yield InfoMetricFamily("loadbearing", "Everything that measurements depend on.", info)
        yield GaugeMetricFamily(
            "loadbearing_uptime_seconds", "Time since the service started.", self._uptime_s
        )
        yield from self._counted(self._whole.totals)
        yield from self._models()
        yield from self._loops()
        yield from self._consumed()

    def _counted(self, totals: Totals) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "loadbearing_requests",
            "Requests for a workload under a model, by the status of their answer.",
            labels=("workload", "model", "status"),
        )
        for (workload, model, status), count in totals.requests.items():
            requests.add_metric((workload, model, str(status)), count)
        yield requests
        stages = HistogramMetricFamily(
            "loadbearing_stage_seconds",
            "Duration of the stages of requests that were answered with a result.",
            labels=("model", "stage"),
        )
        for labels, (*counts, seconds) in totals.stages.items():
            buckets = list(zip(BOUNDS, accumulate(counts), strict=True))
            stages.add_metric(labels, buckets, seconds)
        yield stages
        cpu = CounterMetricFamily(
            "loadbearing_cpu_seconds",
            "CPU time of the processes by role, including those that have ended.",
            labels=("role",),
        )
        for role, seconds in totals.cpu_s.items():
            cpu.add_metric((role,), seconds)
        yield cpu

    def _models(self) -> Iterator[Metric]:
        for kind, described in ((GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS)):
            for what, (name, documentation) in described.items():
                family = kind(f"loadbearing_{name}", documentation, labels=("model",))
                for model, values in self._whole.models.items():
                    if what in values:
                        family.add_metric((model,), values[what])
                yield family

    def _loops(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "loadbearing_loops", "Event loops that serve.", len(self._whole.loops)
        )
        lag = Metric(  # the library's own class of summaries has no quantiles
            "loadbearing_loop_lag_seconds",
            "How late event loops ran their timers in the last ten seconds.",
            "summary",
        )
        for name, quantile in QUANTILES.items():
            labels = {"quantile": quantile}
            lag.add_sample("loadbearing_loop_lag_seconds", labels, self._whole.lag_ms[name] / 1e3)
        yield lag
        cpu = CounterMetricFamily(
            "loadbearing_loop_cpu_seconds",
            "CPU time of the threads that run event loops, including those that have ended.",
        )
        cpu.add_metric((), self._whole.totals.loops_cpu_s)
        yield cpu
        gil = CounterMetricFamily(
            "loadbearing_gil_samples",
            "Random instants, by whether the GIL of a server process was held.",
            labels=("held",),
        )
        if samples := self._whole.totals.gil.values():
            held = sum(found_held for _, found_held in samples)
            gil.add_metric(("true",), held)
            gil.add_metric(("false",), sum(taken for taken, _ in samples) - held)
        yield gil

    def _consumed(self) -> Iterator[Metric]:
        memory = GaugeMetricFamily(
            "loadbearing_resident_memory_bytes",
            "Resident memory of the processes by role; shared memory counts for each of them.",
            labels=("role",),
        )
        number = GaugeMetricFamily("loadbearing_processes", "Processes by role.", labels=("role",))
        for role in dict.fromkeys(process.role for process in self._processes):
            these = [process for process in self._processes if process.role == role]
            memory.add_metric((role,), sum(process.rss for process in these))
            number.add_metric((role,), len(these))
        yield memory
        yield number


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _label(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def render(families: Families, *, openmetrics: bool, compressed: bool) -> tuple[bytes, str]:
    """Write the metrics in one of two formats, and return its content type too."""
    registry = CollectorRegistry()
    registry.register(families)
    if openmetrics:
        body = exposition.generate_latest(registry)  # type: ignore[no-untyped-call]  # it has none
        kind = exposition.CONTENT_TYPE_LATEST
    else:
        body, kind = generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
    return gzip.compress(body, compresslevel=1) if compressed else body, kind
