"""A locustfile of the tests: offers some orders, one after the other, and sums up each result.

It writes a line for each to a file; what offers is one process, or the workers of a master.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.errors import WorkersGone
from loadtests.load.distributed import master
from loadtests.load.distributed.master import Master
from loadtests.load.distributed.worker import Worker
from loadtests.load.result import LoadResult
from loadtests.load.spec import LoadSpec
from loadtests.trial.trial import Trial
from loadtests.trial.verdict import judge
from loadtests.ui.users import record
from tests.support.short_load import order, starts

master.SILENT_S = 1.0  # tests have no time for a worker that might be in a long pause
_masters: list[Master] = []


class Idle(User):
    """Locust wants somebody."""

    @task
    def wait(self) -> None:
        gevent.sleep(1)


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    parser.add_argument("--paths", nargs="*", default=[])
    parser.add_argument("--results", default="")


@events.init.add_listener
def join(environment: Environment, runner: Any, **_: Any) -> None:
    if isinstance(runner, MasterRunner):
        _masters.append(Master(runner))
    elif isinstance(runner, WorkerRunner):
        Worker(runner, partial(record, environment))


@events.test_start.add_listener
def start(environment: Environment, **_: Any) -> None:
    if _masters:
        gevent.spawn(offer, environment)


def offer(environment: Environment) -> None:
    options: Any = environment.parsed_options
    try:
        for path in options.paths:
            spec = order(str(environment.host), path)
            offered = _masters[0].offer(spec)
            with Path(options.results).open("a") as file:
                file.write(json.dumps(summary(spec, offered)) + "\n")
    except WorkersGone as error:
        with Path(options.results).open("a") as file:
            file.write(json.dumps(str(error)) + "\n")
    finally:
        if environment.runner:
            environment.runner.quit()


def summary(spec: LoadSpec, offered: LoadResult) -> dict[str, Any]:
    verdict = judge(Trial.of(("work", "any"), spec, offered), spec.slo)
    return {
        "intended": [starts(stream) for stream in offered.streams],
        "outcomes": [
            dict(Counter(answer.outcome for answer in stream)) for stream in offered.streams
        ],
        "reasons": verdict.reasons,
        "completed": offered.completed,
        "early": offered.early,
        "reached_s": offered.reached_s,
    }
