"""A tab says why not to trust its figures: a late generator, a busy machine, or the log."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from loadtests.run.options import Options
from loadtests.ui.alarms import Alarms
from loadtests.ui.ledger import LAG, Ledger, Recorder

log = logging.getLogger("loadbearing")


@dataclass
class LoadedService:
    """What a recording and a watching know of a test."""

    options: Options | None = field(default_factory=lambda: Options(scenario="steady"))
    ledger: Ledger = field(default_factory=Ledger)
    disturbances: tuple[str, ...] = ()

    def send(self, lag_ms: float) -> None:
        recorder = Recorder(100)
        recorder.take("a/b", "ok", 5.0, lag_ms)
        self.ledger.add(recorder.drain(7, {}))


@pytest.fixture
def test() -> LoadedService:
    return LoadedService()


@pytest.fixture
def alarms(test: Any) -> Iterator[Alarms]:
    alarms = Alarms(test, test)
    yield alarms
    for name in (None, "locust"):
        logging.getLogger(name).removeHandler(alarms)


def test_a_late_generator_is_an_alarm_where_the_users_are_the_load(
    test: LoadedService, alarms: Alarms
) -> None:
    test.send(4.0)
    assert alarms.sentences() == []
    test.send(7.0)
    [sentence] = alarms.sentences()
    assert "1 % of the requests were sent 7.0 ms after their time or later (5 ms" in sentence
    for options in (Options(scenario="steady", load="closed"), Options(scenario="survival"), None):
        test.options = options
        assert alarms.sentences() == []


def test_the_last_warnings_of_the_log_are_repeated_until_the_next_test(
    test: LoadedService, alarms: Alarms
) -> None:
    test.disturbances = ("The machine is busy.",)
    for number in (1, 2, 2, 3):
        log.warning("warning %d", number)
    log.warning(LAG, 1.0, 7.0, "")
    log.error("an error")
    logging.getLogger("locust.runners").warning("CPU usage above 90%")
    expected = ["The machine is busy.", "warning 3", "CPU usage above 90%"]
    assert alarms.sentences() == expected
    alarms.clear()
    assert alarms.sentences() == expected[:1]
