"""scripts/setup makes .venv, notices when it has become unusable, and makes it again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from loadtests.system.child import child
from tests.support.server_process import PATIENCE_S, ROOT

PACKAGES = ("psutil", "rich")  # by which it finds out whether the packages are there
BEGUN = "Setting up .venv; this takes a minute, once.\n"


class Checkout:
    """The scripts in a folder of their own, with two tiny packages in place of the real ones."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder
        self._wheels = wheels
        (folder / "scripts/constraints").mkdir(parents=True)
        for name in ("shared", "setup"):
            shutil.copy(ROOT / "scripts" / name, folder / "scripts")
        hashes = (sha256(_wheel(name, wheels).read_bytes()).hexdigest() for name in PACKAGES)
        pins = zip(PACKAGES, hashes, strict=True)
        lines = [f"{name}==1 --hash=sha256:{value}\n" for name, value in pins]
        (folder / "scripts/constraints/run.txt").write_text("".join(lines))

    @property
    def command(self) -> list[str]:
        return [str(self.folder / "scripts/setup")]

    def environment(self, **variables: str) -> dict[str, str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self._wheels), "PIP_NO_CACHE_DIR": "1"}
        base = Path(sys.base_prefix, "bin")
        path = {"PATH": f"{base}:{os.environ['PATH']}", "PIP_CONFIG_FILE": os.devnull}
        return {**known, **pip, **path, **variables}

    def set_up(self, command: Path | None = None, cwd: Path | None = None, **more: str) -> str:
        """Return what it prints on standard error."""
        words = [str(command)] if command else self.command
        ended = subprocess.run(
            words, env=self.environment(**more), cwd=cwd, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
        return ended.stderr

    def works(self) -> bool:
        """Whether the environment is complete, and a program of it starts."""
        inside = self.folder / ".venv/bin"
        imports = f"import {','.join(PACKAGES)}"
        for words in (["python", "-Ic", imports], ["pip", "--version"]):
            program, *rest = words
            subprocess.run([inside / program, *rest], capture_output=True, check=True)
        return True


def _wheel(name: str, folder: Path) -> Path:
    path, about = folder / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
    files = {
        f"{name}.py": "",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{about}/RECORD"])
    with ZipFile(path, "w") as wheel:
        for file, content in files.items():
            wheel.writestr(file, content)
    return path


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(
        tmp_path_factory.mktemp("check out é") / "here", tmp_path_factory.mktemp("wheels")
    )


def test_from_any_folder_through_a_link_whatever_pip_is_told(
    checkout: Checkout, tmp_path: Path
) -> None:
    link = tmp_path / "set-up"
    link.symlink_to(checkout.command[0])
    elsewhere = {f"PIP_{name}": str(tmp_path / "lost") for name in ("TARGET", "PREFIX", "ROOT")}
    places = {"CDPATH": ".", "PYTHONSAFEPATH": "1", "PYTHONPATH": str(tmp_path)}
    wishes = {"PIP_USER": "1", "PIP_NO_DEPS": "1", "PIP_DRY_RUN": "1"}
    messages = checkout.set_up(link, tmp_path, **elsewhere, **places, **wishes)
    assert messages.startswith(BEGUN)
    assert checkout.works()
    assert not (tmp_path / "lost").exists()
    assert not checkout.set_up(link, tmp_path)  # at once


def test_after_a_move_or_half_a_set_up_one_of_two_begins_again(checkout: Checkout) -> None:
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("there"))
    with child(
        checkout.command, stop_s=PATIENCE_S, env=checkout.environment(), start_new_session=True,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline() == BEGUN.encode()
        process.kill()
    python = checkout.folder / ".venv/bin/python"  # as after an upgrade of the system
    python.unlink(missing_ok=True)
    python.symlink_to("/no/such/python")
    begun = [
        subprocess.Popen(checkout.command, env=checkout.environment(), stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    messages = sorted(process.communicate(timeout=PATIENCE_S)[1].decode() for process in begun)
    assert [process.returncode for process in begun] == [0, 0]
    assert messages == [BEGUN, "Waiting for another set-up of this checkout.\n"]
    assert checkout.works()


@pytest.mark.parametrize(
    ("python", "reason"),
    [("no-such-python", "PYTHON=no-such-python is not a Python"), ("ls", "PYTHON=ls is not a")],
)
def test_a_python_that_is_none_is_refused(checkout: Checkout, python: str, reason: str) -> None:
    ended = subprocess.run(
        checkout.command, env=checkout.environment(PYTHON=python), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"scripts/setup: {reason}")
    assert ended.stderr.count("\n") == 1
