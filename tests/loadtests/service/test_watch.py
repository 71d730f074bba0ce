"""A service is looked at before and after a load: by its own words, and its processes if ours."""

import pytest

from loadtests.service.process import ServerProcess
from loadtests.service.watch import ServiceWatch
from tests.support.server_process import running

pytestmark = pytest.mark.usefixtures("database")


def test_what_our_server_has_used_until_then_is_told_when_a_load_begins() -> None:
    with ServerProcess(("--port", "0", "--models", "inline")) as subject:
        signs = ServiceWatch(subject.url, "inline", subject)
        before_s = signs.begin()
        signs.end()
        seen = signs.seen()
        signs.close()
        assert before_s is not None
        assert 0 < before_s <= subject.usage().cpu_s
    assert seen.server_cores is not None
    assert seen.change.loop_cores is not None


def test_of_a_running_service_no_process_is_known() -> None:
    with running("--models", "inline", module="server") as server:
        signs = ServiceWatch(server.url, "inline", None)
        assert signs.begin() is None
        signs.end()
        seen = signs.seen()
        signs.close()
    assert seen.server_cores is None
    assert seen.change.loop_cores is not None
