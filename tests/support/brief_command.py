"""Run a command of the load tests as `python -m loadtests` does, but with short trials."""

from __future__ import annotations

from loadtests.__main__ import main
from loadtests.commands import survive, up
from loadtests.system import start
from tests.support.server_process import ROOT

if __name__ == "__main__":
    for command in (survive, up):
        command.LOCUSTFILE = ROOT / "tests" / "support" / "brief_rounds.py"  # type: ignore[attr-defined]
    start.begin()
    start.carry_out(main)
