"""The composite action: its one step is run as GitHub runs it, on a checkout that is set up."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
import yaml

from loadtests.cell import Cell
from tests.support.cli import LONG_S
from tests.support.run_files import plan, result, standings, write
from tests.support.server_process import ROOT

PLACE = Path(".github/actions/loadbearing/action.yml")
ACTION: dict[str, Any] = yaml.safe_load((ROOT / PLACE).read_text("utf-8"))
[STEP] = ACTION["runs"]["steps"]
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as documented for `shell: bash`

WORDS = "--workloads primes --models inline,async --autopsy none --at-least primes=100"
CELLS = [Cell("primes", "inline"), Cell("primes", "async")]  # the last of which cannot run
CELL = result("primes", "inline", 90, 110)
NAMES: dict[str, Any] = {"workloads": ["primes"], "models": ["inline", "async"]}
FIRST = plan([], arguments=NAMES) | {"cells": [cell._asdict() for cell in CELLS]}
MEASURED = [FIRST, *standings([CELL]), CELL]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a checkout that scripts/setup has nothing to do in."""
    folder = tmp_path_factory.mktemp("action") / "a checkout"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    (folder / PLACE).parent.mkdir(parents=True)
    for name in ("loadtests", "server", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    made = folder / ".venv"
    venv.create(made, symlinks=True)
    [packages] = made.glob("lib/python*/site-packages")
    (packages / "here.pth").write_text("\n".join(site.getsitepackages()))
    (made / "bin/pip").write_text(f"#!{made / 'bin/python'}\n")
    shutil.copy(folder / "scripts/constraints/run.txt", made / "run.installed")
    return folder


class Step:
    """The step with its inputs, and the files that GitHub gives it."""

    def __init__(self, checkout: Path, folder: Path, **inputs: str) -> None:
        given = {name: known.get("default", "") for name, known in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        self._folder = folder
        self._environment = {
            **os.environ,
            **{
                name: given[text.removeprefix("${{ inputs.").removesuffix(" }}")]
                for name, text in STEP["env"].items()
            },
            "GITHUB_ACTION_PATH": str((checkout / PLACE).parent),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "RUNNER_TEMP": str(folder),
            "COLUMNS": "400",
        }

    def run(self, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*BASH, STEP["run"]], cwd=cwd, env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=LONG_S, check=False,
        )  # fmt: skip

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self._folder / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


def test_inputs_and_outputs_are_described_and_used() -> None:
    assert set(ACTION["inputs"]) == {
        text.removeprefix("${{ inputs.").removesuffix(" }}") for text in STEP["env"].values()
    }
    assert all(known["description"] for known in (ACTION, *ACTION["inputs"].values()))
    for name, known in ACTION["outputs"].items():
        assert known["value"] == f"${{{{ steps.{STEP['id']}.outputs.{name} }}}}"
        assert f"{name}=" in STEP["run"]
    assert ACTION["inputs"]["arguments"]["required"] is True


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"arguments": "--xyzzy"}, "unknown option '--xyzzy'"),
        ({"arguments": "--workloads 'primes"}, "::error::a quotation in arguments has no end"),
        ({"arguments": "", "cannot_tell": "Warn"}, "'Warn'; expected fail or warn"),
        (
            # Words are kept as they are quoted, over several lines, and nothing is expanded.
            {"arguments": "--workloads \"it's\"'$(touch hacked) `touch hacked`.py' # ours\n"
             "--models inline", "python": sys.executable},
            "it's$(touch hacked) `touch hacked`.py not found",
        ),
    ],
)  # fmt: skip
def test_wrong_inputs_end_with_exit_code_2(
    checkout: Path, tmp_path: Path, inputs: dict[str, str], message: str
) -> None:
    ended = Step(checkout, tmp_path, **inputs).run(tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert message in ended.stdout + ended.stderr
    assert not (tmp_path / "hacked").exists()


def test_a_step_passes_with_a_warning_if_the_run_cannot_tell(
    checkout: Path, tmp_path: Path
) -> None:
    """A run that was killed is resumed, in which only a cell is left that this server lacks."""
    folder = tmp_path / "the run"
    write(folder / "run.jsonl", MEASURED)
    step = Step(checkout, tmp_path, arguments=WORDS, output=str(folder))
    ended = step.run(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    junit = folder / "junit.xml"
    assert step.outputs == {"folder": str(folder), "junit": str(junit), "exit-code": "3"}
    [case] = Tree.parse(junit).getroot()[0].findall("testcase")
    assert case.find("skipped") is not None
    assert "::warning title=primes sustains 100 req/s::" in ended.stdout
    assert "::warning::This runner cannot tell" in ended.stdout
    assert (tmp_path / "summary").read_text().startswith("# Highest load")
