"""What tests use: servers end with a killed test run, and the browser sees what is wrong."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from playwright.async_api import Browser

from tests.support.browser import NARROW, ON_ITS_LOOP, watched
from tests.support.cli import gone, soon
from tests.support.server_process import ROOT

LEFT_S = 5.0
RUNNER = """
import sys
from pathlib import Path
import psutil
from tests.support.locust_ui import up
from tests.support.server_process import running
with running("--workers", "2", "--processes", "1") as server, up(Path(sys.argv[1])):
    print(*(process.pid for process in psutil.Process().children(recursive=True)), flush=True)
    sys.stdin.read()
"""


@pytest.mark.usefixtures("database")
def test_servers_and_uis_end_with_a_killed_test_run(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        assert runner.stdout is not None
        started = [psutil.Process(int(pid)) for pid in runner.stdout.readline().split()]
        commands = "\n".join(" ".join(process.cmdline()) for process in started)
        for name in (
            "faulty_server",
            "resource_tracker",
            "forkserver",
            "up",
            "loadtests.ui.launch",
        ):
            assert f" {name}" in commands or f".{name}" in commands
        runner.kill()
    soon(lambda: gone(started), LEFT_S)


@ON_ITS_LOOP
async def test_it_sees_errors_requests_and_overflow(browser: Browser) -> None:
    view = await watched(browser, NARROW)
    await view.page.set_content("<p style='width: 500px'>wide</p><script>lost()</script>")
    assert view.errors == ["lost is not defined"]
    assert view.requests == []
    assert await view.overflow() > 100
    await view.close()
