"""What makes the figures of a running test doubtful, for the tabs that show them.

A person who reads a tab does not read the log. So the tabs repeat its warnings, and say at once
what the log says at the end of a test: that the generator was late, or the machine busy.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from loadtests.trial.tally import lag_allowed_s
from loadtests.ui.ledger import LAG
from loadtests.ui.shapes import LOADS

if TYPE_CHECKING:
    from loadtests.ui.poller import Watching
    from loadtests.ui.recording import Recording

NOT_SHOWN = (LAG, "Your selected spawn rate is very high")  # we set it so, and it is harmless here
SHOWN = 2  # warnings of the log


class Alarms(logging.Handler):
    """Collects the warnings of the log, ours and those of Locust, since the test began."""

    def __init__(self, recording: Recording, watching: Watching) -> None:
        super().__init__(logging.WARNING)
        self._recording = recording
        self._watching = watching
        self._logged: dict[str, None] = {}
        for name in (None, "locust"):  # whose records do not reach the root
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning; errors end a test, and are shown as its end."""
        if record.levelno == logging.WARNING and not str(record.msg).startswith(NOT_SHOWN):
            self._logged[record.getMessage()] = None

    def clear(self) -> None:
        self._logged.clear()

    def sentences(self) -> list[str]:
        """Say why not to trust the figures of the load, if there is a reason."""
        return [*self._late(), *self._watching.disturbances, *[*self._logged][-SHOWN:]]

    def _late(self) -> Iterator[str]:
        """Say that the generator is late; a survival run judges each trial instead."""
        options, lag_ms = self._recording.options, self._recording.ledger.lag_p99_ms()
        if not options or lag_ms is None or options.load != "open" or options.scenario not in LOADS:
            return
        allowed_ms = 1e3 * lag_allowed_s(options.slo)
        if lag_ms > allowed_ms:
            yield (
                f"The load generator was late: 1 % of the requests were sent {lag_ms:.1f} ms "
                f"after their time or later ({allowed_ms:g} ms are allowed). Do not trust "
                "these response times; offer less, or stop what else runs on this machine."
            )
