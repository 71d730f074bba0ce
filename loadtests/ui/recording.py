"""Record a load, in the process that has the UI and in those that work for it."""

from __future__ import annotations

import time
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.run.options import Options
from loadtests.ui.ledger import Ledger, Recorder
from loadtests.ui.turns import COMPARE, turns_of
from loadtests.ui.users import LoadUser, ended

KEY = "loadbearing"  # of our part in the reports of workers, every three seconds
REPORTED_S = 4
UNRECORDED = 60  # reports that a worker keeps while it cannot send them


class Recording:
    """Listens to Locust's events; `ledger` has the sums in the process with the UI."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._recorder: Recorder | None = None
        self._reports: list[dict[str, Any]] = []
        self._steady = False
        self.ledger = Ledger()
        self.options: Options | None = None
        for event in ("test_start", "spawning_complete", "test_stop", "reset_stats"):
            getattr(events, event).add_listener(getattr(self, f"_{event}"))
        ended.add_listener(self._ended)
        events.report_to_master.add_listener(self._report)
        events.worker_report.add_listener(self._reported)
        gevent.spawn(self._tick)

    @property
    def complete(self) -> int:
        """The first second that may still be reported on."""
        distributed = isinstance(self._environment.runner, MasterRunner)
        return int(time.time()) - (REPORTED_S if distributed else 0)

    def _test_start(self, environment: Any, **_: Any) -> None:
        try:
            options = Options.of(environment.parsed_options)
            turns = turns_of(options)
        except ValueError:
            return  # the test will not start
        self.options = options
        self._steady = options.scenario in {"steady", COMPARE}
        self._reports.clear()
        self.ledger.clear(int(time.time()), turns)
        if not isinstance(environment.runner, MasterRunner):
            self._recorder = Recorder(1e3 * options.slo.bound_s)

    def _ended(self, **request: Any) -> None:
        if self._recorder is not None:
            self._recorder.take(**request)

    def _spawning_complete(self, **_: Any) -> None:
        if self._steady:  # the ramp is over: figures of a lower rate do not belong to this one
            self.ledger.restart(int(time.time()))

    def _reset_stats(self, **_: Any) -> None:
        self.ledger.restart(int(time.time()))

    def _test_stop(self, **_: Any) -> None:
        self._drain(int(time.time()))
        self._recorder = None

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        data[KEY], self._reports = self._reports, []

    def _reported(self, data: dict[str, Any], **_: Any) -> None:
        for report in data.get(KEY, ()):
            self.ledger.add(report)

    def _tick(self) -> None:
        """Count by the full seconds of the wall clock, which all processes share."""
        while True:
            now = time.time()
            gevent.sleep(1 - now % 1)
            second = int(now)
            self._drain(second)
            runner = self._environment.runner
            if runner is not None and runner.state in {"spawning", "running"}:
                self.ledger.set_users(second, runner.user_count)

    def _drain(self, second: int) -> None:
        if self._recorder is None:
            return
        load = LoadUser.load
        report = self._recorder.drain(second, load.flying() if load else {})
        if isinstance(self._environment.runner, WorkerRunner):
            self._reports = [*self._reports, report][-UNRECORDED:]
        else:
            self.ledger.add(report)
