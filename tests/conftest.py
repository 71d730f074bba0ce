"""What tests share: a cache folder of their own, and servers that take long to start."""

import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from server.tables import MODELS
from server.workloads import orders, web
from tests.support.browser import browser
from tests.support.locust_ui import idle_ui, idle_up
from tests.support.resumed_run import home, survived
from tests.support.server_process import PYTHONS, SIZES, Client, Running, asking, running

__all__ = ["browser", "home", "idle_ui", "idle_up", "survived"]  # what several modules look at


# Under nohup, or in the background of a script, these are ignored, also by what tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of this machine
# The gate draws the same examples each time, so that it never fails by chance.
settings.register_profile("everyday", UNTIMED, max_examples=40, derandomize=True, database=None)
settings.register_profile("thorough", UNTIMED, max_examples=400)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


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


SERVERS = [("uvloop", sys.executable), ("asyncio", sys.executable)]
SERVERS += [("uvloop", python) for python in PYTHONS]
SHARED = "shared-"  # begins the name of a server in those of its tests


def _named(server: tuple[str, str]) -> str:
    loop, python = server
    return f"{SHARED}{loop}" if python == sys.executable else f"{SHARED}{loop}-{python}"


@pytest.fixture(scope="session", params=SERVERS, ids=_named)
def server(database: None, request: pytest.FixtureRequest) -> Iterator[Running]:
    """A server with every model, on either event loop, that stays up whatever tests ask of it."""
    loop, python = request.param
    sizes = [word for option, size in SIZES.items() for word in (f"--{option}", str(size))]
    options = ("--loop", loop, *sizes, "--deadline", "30s")
    with running(*options, "--models", ",".join(MODELS), python=python) as started:
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "survived" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.measures)


class SideBySide(LoadScopeScheduling):
    """Where several processes run tests, one has all those that share a server, or a file."""

    def _split_scope(self, nodeid: str) -> str:
        shared = re.search(rf"{SHARED}\w+", nodeid)
        return shared[0] if shared else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SideBySide:
    return SideBySide(config, log)


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with asking(server) as session:
        yield session
