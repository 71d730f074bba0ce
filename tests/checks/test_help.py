"""Each script of the checks has a help page that names it, its purpose and an example."""

import os
import subprocess
import sys

import pytest

from tests.support.server_process import ROOT


@pytest.mark.parametrize("name", ["bench", "validate", "chaos", "error"])
def test_help_has_a_line_of_purpose_and_an_example(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", f"scripts.checks.{name}", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
    )
    usage, purpose, example, *_ = done.stdout.split("\n\n")
    assert usage.startswith(f"usage: scripts/{name} ")
    assert purpose.endswith(".")
    assert "\n" not in purpose
    assert example.startswith(f"example: scripts/{name} ")
