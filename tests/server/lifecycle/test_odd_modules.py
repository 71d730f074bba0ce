"""Modules run alike wherever they are and whatever their import does, or are refused at start."""

import sys
from pathlib import Path

import pytest

from tests.support.cli import run
from tests.support.server_process import PYTHONS, asking, running

MODELS = ("thread-pool", "process-pool", "process-per-request", "supervised-process-pool")
# What a module does at import, and what its work then returns, which is 1.
MODULES = {
    "thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(999,)).start()",
        "1",
    ),
    "executor": (
        "import time\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1)\npool.submit(time.time).result()",
        "pool.submit(len, 'a').result(9)",
    ),
    "own_loop": (
        "import asyncio\nloop = asyncio.new_event_loop()",
        "loop.run_until_complete(asyncio.sleep(0, 1))",
    ),
    "moved": ("import os\nos.chdir('/')", "int(os.getcwd() != '/')"),
    "printed": ("print('loading', flush=True)", "1"),
}
PLAIN = "import os\nfirst = os.getpid()"


def write(folder: Path, name: str, code: str, value: str) -> Path:
    """Write a module into a folder of its own name."""
    path = folder / name / f"{name}.py"
    path.parent.mkdir()
    path.write_text(
        f"from server.workloads import workload\n{code}\n"
        f"@workload(kind='cpu')\ndef do_{name}() -> int:\n    return {value}\n"
    )
    return path


@pytest.mark.parametrize("python", [sys.executable, *PYTHONS])
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
async def test_whatever_an_import_does_the_work_runs_under_every_model(
    python: str, method: str, tmp_path: Path
) -> None:
    paths = [write(tmp_path, name, *module) for name, module in MODULES.items()]
    paths.append(write(tmp_path, "plain", PLAIN, "int(first == os.getpid())"))
    options = ("--models", ",".join(MODELS), "--processes", "1", "--start-method", method)
    with running(
        *options, "--workloads", ",".join(map(str, paths)), module="server", python=python
    ) as server:
        async with asking(server) as client:
            for model in MODELS:
                for name in MODULES:
                    if (name, model, method) == ("moved", "process-per-request", "spawn"):
                        continue  # the module is imported by reading the call, in the middle of it
                    answer = await client.ask(f"/do_{name}/{model}")
                    assert (answer.status, answer.json.get("result")) == (200, 1), answer.text
                # What keeps nothing is preloaded in the fork server, even from another folder.
                forked = method == "forkserver" and model != "thread-pool"
                assert (await client.ask(f"/do_plain/{model}")).json["result"] == (not forked)
        assert await server.stopped() == 0
        lines = server.complaints().splitlines()
        assert sum("the import of " in line for line in lines) == 3  # thread, executor, own_loop
        assert {line for line in lines if "the import of " not in line} == {"loading"}


def test_a_module_that_only_one_process_can_import_is_refused_on_one_line(tmp_path: Path) -> None:
    code = "import multiprocessing, socket\nport = socket.create_server(('127.0.0.1', 0))\n"
    path = write(
        tmp_path, "port", f"{code}assert not multiprocessing.parent_process(), 'once'", "1"
    )
    for model in MODELS[1:]:
        ended = run("server", "--port", "0", "--models", model, "--workloads", str(path))
        assert (ended.code, ended.out) == (1, "")
        warning, error = ended.err.splitlines()
        assert "the import of port keeps a connection" in warning
        assert "the server cannot start: worker processes cannot import the workloads" in error
        assert f"{path}:4: AssertionError: once. Move what only one process can do" in error


@pytest.mark.parametrize("returned", ["{}", "late()"], ids=["a dict", "a coroutine"])
async def test_a_need_that_returns_nothing_to_enter_is_named(tmp_path: Path, returned: str) -> None:
    path = tmp_path / "shop.py"
    path.write_text(
        "from server.workloads import workload\n"
        f"async def late(): ...\ndef stock():\n    return {returned}\n"
        "@workload(kind='io', needs=[stock])\ndef buy() -> int:\n    return 1\n"
    )
    with running("--models", "inline", "--workloads", str(path), module="server") as server:
        async with asking(server) as client:
            answer = await client.ask("/buy/inline")
            assert answer.status == 501
            assert f"{path}:3: stock returned " in answer.error["message"]
        assert await server.stopped() == 0
        [line] = server.complaints().splitlines()
        assert f"buy cannot run: TypeError: {path}:3: stock returned " in line
