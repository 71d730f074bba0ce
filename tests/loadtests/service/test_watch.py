"""A service is read before and after a load: its `/stats`, and its processes if they are ours."""

import pytest

from loadtests.service.process import ServerProcess
from loadtests.service.watch import ServiceWatch
from tests.support.server_process import running

pytestmark = pytest.mark.usefixtures("database")


def test_the_cpu_time_of_our_server_is_known_when_a_load_begins() -> None:
    with ServerProcess(("--port", "0", "--models", "inline")) as subject:
        watch = ServiceWatch(subject.url, "inline", subject)
        before_s = watch.begin()
        watch.end()
        activity = watch.activity()
        watch.close()
        assert before_s is not None
        assert 0 < before_s <= subject.usage().cpu_s
    assert activity.server_cores is not None
    assert activity.change.loop_cores is not None


def test_no_process_of_a_running_service_is_known() -> None:
    with running("--models", "inline", module="server") as server:
        watch = ServiceWatch(server.url, "inline", None)
        assert watch.begin() is None
        watch.end()
        activity = watch.activity()
        watch.close()
    assert activity.server_cores is None
    assert activity.change.loop_cores is not None
