"""A crash costs only the call that crashes; a shortage of processes ends by itself."""

import asyncio
from collections import Counter

from tests.support.faulty_workloads import NONE_LEFT
from tests.support.server_process import asking, running, until

MODELS = ["process-per-request", "process-pool", "supervised-process-pool", "hybrid"]
OPTIONS = ("--models", ",".join(MODELS), "--admission", "bounded", "--processes", "4")
CRASHES = 12
AT_ONCE = 6


async def test_a_storm_of_crashes_costs_no_other_call() -> None:
    with running(*OPTIONS) as server:
        async with asking(server) as client:

            async def storm(path: str) -> Counter[int]:
                answers = [await client.ask(path) for _ in range(CRASHES // AT_ONCE)]
                return Counter(answer.status for answer in answers)

            for model in MODELS[1:]:
                paths = [f"/die/{model}", f"/count/{model}?to=1"] * AT_ONCE
                statuses = await asyncio.gather(*map(storm, paths))
                assert sum(statuses[::2], Counter()) == {500: CRASHES}
                assert sum(statuses[1::2], Counter()) == {200: CRASHES}
                assert (await client.ask(f"/count/{model}?to=1")).status == 200


async def test_while_no_process_can_be_started_requests_are_refused() -> None:
    with running(*OPTIONS, "--workloads", "tests.support.stingy_workloads") as server:
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
            for model in MODELS:
                await until(lambda model=model: refuses(model))  # type: ignore[misc]
            none_left.unlink()
            for model in MODELS:
                await until(lambda model=model: works(model))  # type: ignore[misc]
        complaints = server.complaints()
        assert "the system does not let the server start more processes" in complaints
        assert "ServerError" not in complaints
        server.errors.write_text("")  # the rest are messages of dying fork servers
