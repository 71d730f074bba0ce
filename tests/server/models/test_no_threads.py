"""If the system allows no more threads, requests are refused, and the server keeps running."""

import asyncio
import resource

import psutil
import pytest

from tests.support.server_process import PATIENCE_S, asking, running

ROOM = 28 * 2**20  # bytes: a thread takes 2 to 8 MiB of address space for its stack
CALLS = 16

pytestmark = pytest.mark.skipif(not psutil.LINUX, reason="only Linux limits another process")


async def test_a_request_without_a_thread_is_refused_with_a_reason(database: None) -> None:
    with running("--models", "thread-per-request", "--threads", str(CALLS)) as server:
        process = psutil.Process(server.pid)
        most = process.memory_info().vms + ROOM
        async with asking(server) as client:
            with server.shut():
                process.rlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
                calls = [
                    asyncio.create_task(client.ask("/hold/thread-per-request"))
                    for _ in range(CALLS)
                ]
                done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                assert waiting
                refused = done.pop().result()
                assert (refused.status, refused.error["type"]) == (503, "Refused")
                assert "start more threads" in refused.error["message"]
                assert "ulimit" in refused.error["hint"]
                assert refused.headers["Retry-After"] == "1"
                assert (await client.ask("/health")).status == 200
            answers = await asyncio.gather(*calls)
            assert {answer.status for answer in answers} == {200, 503}
            process.rlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            assert (await client.ask("/noop/thread-per-request")).status == 200
            await client.until("thread-per-request", busy=0)
        server.process.terminate()
        assert server.process.wait(PATIENCE_S) == 0
        [line] = server.complaints().splitlines()
    assert "does not let the server start more threads; requests are refused until" in line
