"""If the system allows no more threads or processes, requests are refused until it does."""

import asyncio
import resource
import subprocess
import sys

import psutil
import pytest

from tests.server.models.test_faults import SURVIVORS
from tests.support.faulty_workloads import NONE_LEFT
from tests.support.server_process import PATIENCE_S, ROOT, asking, running, until

ROOM = 28 * 2**20  # bytes: a thread takes 2 to 8 MiB of address space for its stack
CALLS = 16
FORKING = ("--models", ",".join(SURVIVORS), "--admission", "bounded", "--processes", "4")


@pytest.mark.skipif(not psutil.LINUX, reason="only Linux limits another process")
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
        assert await server.stopped() == 0
        [line] = server.complaints().splitlines()
    assert "does not let the server start more threads; requests are refused until" in line


async def test_while_no_process_can_be_started_requests_are_refused() -> None:
    with running(*FORKING, "--workloads", "tests.support.stingy_workloads") as server:
        none_left = server.gate.with_name(server.gate.name + NONE_LEFT)
        async with asking(server) as client:

            async def refuses(model: str) -> bool:
                await client.ask(f"/die/{model}")
                answer = await client.ask(f"/count/{model}?to=1")
                if answer.status != 503 or "start more processes" not in answer.error["message"]:
                    return False
                assert "pids.max" in answer.error["hint"]
                return answer.headers["Retry-After"] == "1"

            async def works(model: str) -> bool:
                return (await client.ask(f"/count/{model}?to=1")).status == 200

            none_left.touch()
            for model in SURVIVORS:
                await until(lambda model=model: refuses(model))  # type: ignore[misc]
            none_left.unlink()
            for model in SURVIVORS:
                await until(lambda model=model: works(model))  # type: ignore[misc]
        complaints = server.complaints()
        assert "the system does not let the server start more processes" in complaints
        assert "ServerError" not in complaints
        server.errors.write_text("")  # the rest are messages of dying fork servers


def test_without_semaphores_only_the_standard_pool_is_impossible() -> None:
    code = (
        "from server.models.selection import absent\nfrom server.settings import Settings\n"
        "reasons = absent(Settings())\n"
        "print([name for name in reasons if 'no semaphores' in (reasons[name] or '')])"
    )
    mount = 'mount -t tmpfs -o ro none /dev/shm || exit 77; exec "$0" -c "$1"'
    ended = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, sys.executable, code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if ended.returncode in {1, 77} and not ended.stdout and "Traceback" not in ended.stderr:
        pytest.skip(f"this system mounts nothing for us: {ended.stderr}")
    assert (ended.stdout, ended.stderr) == ("['process-pool', 'hybrid']\n", "")
