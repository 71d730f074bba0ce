"""A service is read before and after a load: its `/stats`, and its processes if they are ours."""

import pytest

from loadtests.service.process import ServerProcess
from loadtests.service.watch import ServiceWatch

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("ours", [True, False])
def test_cpu_time_is_known_of_our_own_server_alone(ours: bool) -> None:
    with ServerProcess(("--port", "0", "--models", "inline")) as server:
        watch = ServiceWatch(server.url, "inline", server if ours else None)
        before_s = watch.begin()
        watch.end()
        activity = watch.activity()
        watch.close()
        if ours:
            assert before_s is not None
            assert 0 < before_s <= server.usage().cpu_s
        else:
            assert before_s is None
    assert (activity.server_cores is not None) is ours
    assert activity.change.loop_cores is not None
    assert {thread for _, thread in activity.change.threads} == {"MainThread"}
