"""What tests share: a cache folder of their own, and servers that take long to start."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.workloads import orders, web
from tests.running import Client, Running, asking, running


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the database of orders out of the user's own cache folder, and build it once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.delenv(web.SITE, raising=False)
        yield folder


@pytest.fixture(scope="session")
def database(cache: Path) -> None:
    orders.build_database(orders.database_path())


@pytest.fixture(scope="session", params=["uvloop", "asyncio"])
def server(database: None, request: pytest.FixtureRequest) -> Iterator[Running]:
    """A server with every model, on either event loop, that stays up whatever tests ask of it."""
    options = ("--loop", request.param, "--threads", "4", "--processes", "2", "--deadline", "30s")
    with running(*options) as one:
        yield one


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with asking(server) as one:
        yield one
