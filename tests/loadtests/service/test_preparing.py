"""Which environments have to be prepared for the servers, and the command that prepares them."""

import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from loadtests.errors import ServiceError
from loadtests.service import pythons
from loadtests.service.pythons import ServerPython, folder, interpreter, server_pythons
from tests.support.pretended_pythons import alone, program, saying
from tests.support.server_process import ROOT

HERE = sys.executable
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
VERSION = platform.python_version()
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
PATH = "/usr/bin:/bin"  # of the script


@pytest.fixture(autouse=True)
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return alone(tmp_path, monkeypatch)


def labels(*names: str) -> list[str]:
    return [python.label for python in server_pythons(names)]


def names_of_this() -> list[str]:
    base = str(getattr(sys, "_base_executable", HERE))
    return [MINOR, VERSION, f"python{MINOR}", HERE, base]


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "OWN", (MINOR, VERSION))


@pytest.mark.skipif(FREE, reason="the packages of this environment turn the GIL on")
@pytest.mark.usefixtures("owned")
def test_the_python_of_this_environment_needs_no_preparing(tmp_path: Path, prepared: Path) -> None:
    saying(tmp_path / "bin" / f"python{MINOR}", MINOR.replace(".", ", "), VERSION, lacks='"uvloop"')
    saying(prepared / MINOR / "bin" / "python", MINOR.replace(".", ", "), VERSION)
    for name in names_of_this():
        assert server_pythons([name]) == (ServerPython(MINOR, HERE, name),)
    assert [python.label for python in server_pythons(names_of_this())] == [MINOR]


def test_the_command_that_prepares_it_is_quoted(tmp_path: Path) -> None:
    script = 'case $1 in versions) echo 3.13.0 3.13.5t ;; *) echo "$0s/$2" ;; esac'
    program(tmp_path / "bin" / "pyenv", script)
    saying(
        tmp_path / "bin" / "pyenvs" / "3.13.5t" / "bin" / "python", "3, 13", "3.13.5", "true", '"a"'
    )
    path = saying(tmp_path / "my own" / "python", "3, 13", "3.13.5", lacks='"a"')
    for name, quoted in (("3.13t", "3.13t"), ("3.13.5t", "3.13.5t"), (path, f"'{path}'")):
        with pytest.raises(ServiceError) as raised:
            server_pythons([name])
        assert str(raised.value).endswith(f"; prepare an environment: scripts/python {quoted}")


def test_an_environment_whose_python_has_changed_is_not_taken_for_it(
    tmp_path: Path, prepared: Path
) -> None:
    bin_ = prepared / "3.13" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").symlink_to(tmp_path / "removed")
    with pytest.raises(ServiceError, match=r"not found .*/3\.13 was made from is gone"):
        interpreter("3.13")
    other = saying(tmp_path / "bin" / "python3.13", "3, 13", "3.13.9")
    assert interpreter("3.13").executable == other
    (bin_ / "python").unlink()
    saying(bin_ / "python", "3, 14", "3.14.2")  # what it links to has been upgraded
    assert interpreter("3.13").executable == other
    saying(bin_ / "python", "3, 13", "3.13.9")
    assert (
        interpreter("3.13").executable == interpreter("3.13.9").executable == str(bin_ / "python")
    )


def test_two_versions_of_a_label_have_an_environment_each(tmp_path: Path, prepared: Path) -> None:
    old = saying(tmp_path / "a" / "python", "3, 13", "3.13.0", lacks='"a"')
    new = saying(tmp_path / "b" / "python", "3, 13", "3.13.9", lacks='"a"')
    assert [folder(interpreter(path)) for path in (old, new)] == ["3.13", "3.13"]
    saying(prepared / "3.13" / "bin" / "python", "3, 13", "3.13.0")
    assert [folder(interpreter(path)) for path in (old, new)] == ["3.13", "3.13.9"]
    saying(prepared / "3.13.9" / "bin" / "python", "3, 13", "3.13.9")
    assert [folder(interpreter(path)) for path in (old, new)] == ["3.13", "3.13.9"]
    assert labels(old, new) == labels("3.13", "3.13.9") == ["3.13.0", "3.13.9"]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Copy scripts/python to a checkout where setup does nothing and pip only counts its calls."""
    root = tmp_path / "checkout"
    program(root / "scripts" / "setup", "exit 0")
    program(root / ".venv" / "bin" / "python", f'PYTHONPATH={ROOT} exec {HERE} "$@"')
    program(root / ".venv" / "bin" / "pip", f"echo >> {root}/installed")
    (root / "scripts" / "constraints").mkdir()
    (root / "scripts" / "constraints" / "server.txt").write_text("aiohttp\n")
    copy = root / "scripts" / "python"
    copy.write_text((ROOT / "scripts" / "python").read_text())
    copy.chmod(0o755)
    return copy


def ran(script: Path, name: str) -> tuple[Path, int]:
    """Run it; return its output, and how often pip was called so far."""
    done = subprocess.run(
        [script, name], env={"PATH": PATH}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    calls = script.parent.parent / "installed"
    return Path(done.stdout.rstrip("\n")), len(calls.read_text()) if calls.exists() else 0


@pytest.mark.skipif(FREE, reason="the packages of this environment turn the GIL on")
def test_the_script_prepares_nothing_for_this_environment(script: Path) -> None:
    for name in (*names_of_this(), f"{sys.prefix}/bin/python3"):
        assert ran(script, name) == (Path(HERE), 0)


def test_the_script_prepares_once_and_again_if_the_python_is_lost(
    script: Path, tmp_path: Path
) -> None:
    base = tmp_path / "my base"
    answer = f'[[3, 99], "3.99.1", false, "{base}", [], "/", false]'
    making = 'mkdir -p "$5/bin" && ln -sf "$0" "$5/bin/python"'
    kinds = f"-VV) echo 3.99.1 ;; -m) {making} ;; -I) echo '{answer}' ;; esac"
    program(base, f"case $1 in {kinds}")
    folder = script.parent.parent / ".pythons" / "3.99"
    assert ran(script, str(base)) == (folder / "bin" / "python", 2)
    assert ran(script, str(base)) == (folder / "bin" / "python", 2)
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to(tmp_path / "removed")
    assert ran(script, str(base)) == (folder / "bin" / "python", 4)
