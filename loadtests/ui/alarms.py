"""What makes the figures of a running test doubtful, for the tabs that show them.

A person who reads a tab does not read the log. So the tabs repeat its warnings, and say at once
what the log says at the end of a test: that the generator was late, or the machine busy.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from locust import events

from loadtests.trial.tally import lag_allowed_s
from loadtests.ui.form import LOADS
from loadtests.ui.poller import Watching
from loadtests.ui.recording import Recording
from loadtests.ui.users import LAG

MOST = 2  # warnings of the log


class Alarms(logging.Handler):
    """Collects the warnings of the log since the test began."""

    def __init__(self, recording: Recording, watching: Watching) -> None:
        super().__init__(logging.WARNING)
        self._recording = recording
        self._watching = watching
        self._logged: dict[str, None] = {}
        events.test_start.add_listener(self._clear)
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning; errors end a test, and the lag of the generator is shown all the time."""
        if record.levelno == logging.WARNING and record.msg != LAG:
            self._logged[record.getMessage()] = None

    def sentences(self) -> list[str]:
        """Say why not to trust the figures of the load, if there is a reason."""
        return list(self._sentences())

    def _clear(self, **_: Any) -> None:
        self._logged.clear()

    def _sentences(self) -> Iterator[str]:
        options, lag_ms = self._recording.options, self._recording.ledger.lag_p99_ms()
        if options and lag_ms is not None and options.scenario in LOADS and options.load == "open":
            allowed_ms = 1e3 * lag_allowed_s(options.slo)
            if lag_ms > allowed_ms:  # a survival run and a surge judge each trial by themselves
                yield (
                    f"The load generator was late: 1 % of the requests were sent {lag_ms:.1f} ms "
                    f"after their time or later ({allowed_ms:g} ms are allowed). Do not trust "
                    "these response times; offer less, or stop what else runs on this machine."
                )
        yield from self._watching.disturbances
        yield from [*self._logged][-MOST:]
