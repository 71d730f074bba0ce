"""Starting worker processes: Ctrl-C while they start is left to the server."""

import multiprocessing
import signal
from multiprocessing import resource_tracker
from typing import Any

import pytest

from server.models.process_start import starting
from tests.support.early_ctrl_c import begin_late

JOIN_S = 30


@pytest.mark.parametrize("name", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # pytest may have threads
def test_ctrl_c_does_not_end_a_process_that_starts(name: str) -> None:
    method: Any = multiprocessing.get_context(name)
    resource_tracker.ensure_running()  # as the server does; its start unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with starting(method):
        process = method.Process(target=begin_late)
        process.start()
    process.join(JOIN_S)
    assert process.exitcode == 0
    process.close()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
