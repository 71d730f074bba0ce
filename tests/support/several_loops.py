"""Servers with two event loops, in processes or in threads, and a client for each of them."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager

from tests.support.prometheus_client import scrape
from tests.support.server_process import Answer, Client, Running, asking, running, until

Worker = tuple[int, str]  # pid and thread
FEW = ("--models", "inline,thread-pool,supervised-process-pool", "--processes", "1")
SEVERAL = ("workers", "loops")


def serving(several: str, loop: str, *options: str) -> AbstractContextManager[Running]:
    return running(f"--{several}", "2", "--loop", loop, *FEW, *options)


def worker(answer: Answer) -> Worker:
    return answer.json["worker"]["pid"], answer.json["worker"]["thread"]


@asynccontextmanager
async def one_each(server: Running) -> AsyncIterator[dict[Worker, Client]]:
    """Yield a client with an open connection for each of the two loops."""
    async with AsyncExitStack() as stack:
        clients: dict[Worker, Client] = {}

        async def both() -> bool:
            client = await stack.enter_async_context(asking(server))
            clients.setdefault(worker(await client.ask("/noop/inline")), client)
            return len(clients) == 2

        await until(both)
        yield clients


async def counted(server: Running, expected: int) -> None:
    """Wait until the service has counted this many no-ops on its thread pools, and never more."""

    async def so() -> bool:
        labels = {"workload": "noop", "model": "thread-pool", "status": "200"}
        count = (await scrape(server)).value("loadbearing_requests_total", **labels)
        assert count <= expected
        return count == expected

    await until(so)
