"""A process that has ended stays open while another thread, which starts one, looks at it.

Otherwise that thread reads from the pipe that has its descriptor's number next: the id of another
new process, or how that is to start. Without such a thread, the descriptors are closed at once.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import pytest

from server.models.messages import Job, pickled
from server.models.process_start import Shortage
from server.models.processes import ProcessCall
from server.models.standard_pool import StandardPool
from server.worker.imports import PLAN
from tests.support.server_process import PATIENCE_S, until


@pytest.fixture
def method(monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseContext]:
    """A fork server of the test's own, which deletes no folder when it ends."""
    monkeypatch.delenv(PLAN, raising=False)
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    monkeypatch.delitem(config, "tempdir", raising=False)
    stop()
    yield multiprocessing.get_context("forkserver")
    stop()


def stop() -> None:
    with suppress(FileNotFoundError):  # an earlier one has deleted its folder
        forkserver._forkserver._stop()  # type: ignore[attr-defined]


def looked_at() -> tuple[Any, int]:
    """What each start of a process looks at to see whether another has ended, and its pipe."""
    [child] = multiprocessing.active_children()
    popen: Any = child._popen  # type: ignore[attr-defined]
    return popen, os.fstat(popen.sentinel).st_ino


def is_open(pipe: int) -> bool:
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one that lists the others
            if os.fstat(int(descriptor.name)).st_ino == pipe:
                return True
    return False


async def test_the_process_of_one_call(method: BaseContext) -> None:
    call = ProcessCall(method, Shortage(), pickled(Job(signal.pause, (), {}, inf)))
    answer = asyncio.create_task(asyncio.to_thread(call.run))

    async def runs() -> bool:
        return bool(multiprocessing.active_children())

    await until(runs)
    popen, pipe = looked_at()
    call.kill()
    [error] = await asyncio.gather(answer, return_exceptions=True)  # its traceback is kept
    assert "without an answer" in str(error)
    assert is_open(pipe)
    del popen
    assert not is_open(pipe)


def test_the_processes_of_a_broken_pool(method: BaseContext) -> None:
    pool = StandardPool(method, 1)  # is kept, as tracebacks keep it
    popen, pipe = looked_at()
    popen.kill()
    pool.end()
    assert is_open(pipe)
    del popen
    assert not is_open(pipe)


def test_a_broken_pool_ends_its_workers_by_itself(method: BaseContext) -> None:
    """They ignore SIGTERM, and since Python 3.12 nothing can be submitted until they have ended."""
    pool = StandardPool(method, 2)
    thread = pool._executor._executor_manager_thread
    multiprocessing.active_children()[0].kill()
    thread.join(PATIENCE_S)
    alive = thread.is_alive()
    pool.end()
    assert not alive
