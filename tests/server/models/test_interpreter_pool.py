"""Sub-interpreters, where available: what they cannot do is reported, and crashes no server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.models.interpreters import InterpreterPool
from server.settings import Settings
from tests.support.server_process import PYTHONS, Running, asking, running

MODEL = "interpreter-pool"
ODD = "tests.support.odd_processes"
UNFIT = '''"""A module that no sub-interpreter can load."""
import psutil
from server.workloads import workload

@workload(kind="cpu")
def unfit() -> int:
    """Count the cores."""
    return psutil.cpu_count()
'''


@pytest.fixture(scope="module", params=[sys.executable, *PYTHONS])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pooled(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    path: Path = tmp_path_factory.mktemp("user") / "unfit_for_interpreters.py"
    path.write_text(UNFIT)
    options = ("--models", f"{MODEL},process-pool,inline", "--workloads", f"{path},{ODD}")
    with running(*options, python=python) as server:
        yield server


async def test_a_module_that_an_interpreter_cannot_load_is_named(pooled: Running) -> None:
    async with asking(pooled) as client:
        await client.need(MODEL)
        answer = await client.ask(f"/unfit/{MODEL}")
        assert answer.status == 500
        assert "psutil" in answer.error["message"]
        assert "does not support loading in subinterpreters" in answer.error["message"]
        assert (await client.ask("/unfit/process-pool")).status == 200
        answer = await client.ask(f"/primes/{MODEL}?below=100")
        assert answer.json["worker"]["thread"].startswith("interpreter-")


async def test_work_beside_interpreters_that_would_crash_what_it_forks_is_stopped(
    pooled: Running,
) -> None:
    async with asking(pooled) as client:
        await client.need(MODEL)
        answer = await client.ask("/start/inline?how=copy")
        assert answer.status == 500
        assert "the server cannot fork beside sub-interpreters" in answer.error["message"]
        for model in ("inline", "process-pool"):  # which starts a fork server, and forks itself
            assert (await client.ask(f"/start/{model}?how=pool")).json["result"] == [1, 2]
        assert (await client.ask("/start/process-pool?how=copy")).status == 200


async def test_it_is_never_combined_with_fork(python: str) -> None:
    models = f"{MODEL},process-pool"
    with running("--models", models, "--start-method", "fork", python=python) as server:
        async with asking(server) as client:
            why = (await client.ask("/")).json["models"][MODEL]["why"]
            answer = await client.ask(f"/noop/{MODEL}")
        assert answer.status == 501
        assert why in answer.error["message"]
        assert "it cannot be combined with fork" in why or "it needs Python ≥ 3.14" in why
        assert "forked from a process with threads" in server.complaints()
        server.process.terminate()
        assert server.process.wait() == 0


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has sub-interpreters")
def test_an_older_python_says_what_would_help() -> None:
    assert "it needs Python ≥ 3.14, and this is 3." in str(InterpreterPool.missing(Settings()))
