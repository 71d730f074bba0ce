"""An autopsy names the line of code of a service that really runs, and says why where it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loadtests.cell import Cell
from loadtests.load.source import InProcess
from loadtests.machine.sentinel import Sentinel
from loadtests.report.wording import autopsy_text, guilty_reason, guilty_text
from loadtests.run.file.cells import CellResult
from loadtests.run.options import Options
from loadtests.run.survival import autopsy as room
from loadtests.run.survival.autopsy import autopsy
from loadtests.run.survival.row import Tools
from loadtests.service.launcher import Launcher
from loadtests.service.options import ServerOptions

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
import time
from server.workloads import native, workload

@workload(kind="io")
def nap(ms: int = 10) -> int:
    return ms

@native(nap)
async def naps(ms: int = 10) -> int:
    time.sleep(ms / 1000)
    return ms
"""
pytestmark = pytest.mark.usefixtures("database")
FAILED: dict[str, Any] = {"interval": [95.0, 90.0, 100.0], "blamed": "loop blocked"}
CELL = Cell("nap", "async")


def examined(folder: Path, host: str | None = None, cell: Cell = CELL) -> dict[str, Any]:
    (folder / "mine.py").write_text(MODULE)
    servers = ServerOptions(modules=(str(folder / "mine.py"),), directory=str(folder))
    tools = Tools(Options(servers=servers), Sentinel(), InProcess(), 1e4, lambda *_: None)
    return autopsy(tools, Launcher(servers, host, folder / "server.log"), cell, FAILED)


def result(guilty: dict[str, Any]) -> CellResult:
    return CellResult(*CELL, guilty=guilty)


def test_it_names_the_call_that_blocks_a_coroutine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SAMPLES_S", 1)
    line = examined(tmp_path)
    guilty = line["guilty"]
    if "may not trace" in guilty.get("reason", ""):
        pytest.skip(guilty_reason(result(guilty)))
    assert "reason" not in guilty
    assert (guilty["function"], guilty["file"], guilty["line"]) == ("naps", "mine.py", 11)
    assert guilty["code"] == "time.sleep(ms / 1000)"
    assert guilty["rate"] == pytest.approx(115)
    assert guilty["share"] > 0.5
    assert any("naps (mine.py:11)" in stack for stack in line["stacks"])
    text = guilty_text(result(guilty))
    assert text.startswith("`naps` in mine.py:11 blocked the loop in ")


def test_a_running_service_is_left_alone(tmp_path: Path) -> None:
    line = examined(tmp_path, "http://127.0.0.1:1")
    assert not guilty_text(result(line["guilty"]))
    assert autopsy_text(line["guilty"]).startswith("its line of code is not known: the stacks of")
    assert guilty_reason(result(line["guilty"])) == (
        "the stacks of a running service are not sampled; leave --host out to have one started"
    )


def test_a_service_that_does_not_start_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "MODULE", "raise RuntimeError('not today')")
    assert "not today" in examined(tmp_path)["guilty"]["reason"]


def test_it_does_not_blame_one_interpreter_for_the_loop_of_another(tmp_path: Path) -> None:
    line = examined(tmp_path, cell=Cell("nap", "interpreter-pool"))
    assert set(line["guilty"]) == {"reason", "advice"}
    assert "not the one of the event loop; measure process-pool too" in autopsy_text(line["guilty"])
