"""A Python for servers is found by path, label or version, and prepared if it lacks packages."""

import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from loadtests.errors import ServiceError
from loadtests.service import pythons
from loadtests.service.pythons import ServerPython, folder, interpreter, server_pythons
from tests.support.cli import run
from tests.support.pretended_pythons import alone, program, saying
from tests.support.server_process import ROOT

HERE = sys.executable
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
T = "t" * FREE
VERSION = platform.python_version()
PATH = "/usr/bin:/bin"  # of the script


@pytest.fixture(autouse=True)
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return alone(tmp_path, monkeypatch)


def test_without_a_name_servers_run_on_this_python_unlabelled() -> None:
    assert server_pythons([]) == (ServerPython("", HERE),)


def test_an_interpreter_describes_itself(tmp_path: Path) -> None:
    python = interpreter(HERE)
    assert (python.executable, python.label, python.full) == (HERE, MINOR + T, VERSION + T)
    assert python.lacks == ()
    free = interpreter(saying(tmp_path / "py", "3, 13", "3.13.5", "true"))
    assert (free.label, free.full) == ("3.13t", "3.13.5t")


def test_a_bare_environment_lacks_what_the_server_needs(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    with pytest.raises(ServiceError, match="scripts/python /") as raised:
        server_pythons([str(python)])
    assert "lacks packages of the server (aiohttp, " in str(raised.value)


def test_the_environment_prepared_for_it_takes_its_place(tmp_path: Path, prepared: Path) -> None:
    bare = saying(tmp_path / "bare", "3, 14", "3.14.2", lacks='"uvloop"')
    ready = prepared / "3.14" / "bin" / "python"
    saying(ready, "3, 14", "3.14.2")
    assert server_pythons([bare]) == (ServerPython("3.14", str(ready), bare),)
    assert server_pythons(["3.14"]) == (ServerPython("3.14", str(ready), "3.14"),)
    saying(ready, "3, 14", "3.14.1")
    with pytest.raises(ServiceError, match="lacks packages"):
        server_pythons([bare])


def test_labels_are_as_short_as_they_can_be(tmp_path: Path) -> None:
    old = saying(tmp_path / "a" / "python", "3, 13", "3.13.0")
    new = saying(tmp_path / "b" / "python", "3, 13", "3.13.9")
    free = saying(tmp_path / "c" / "python", "3, 13", "3.13.9", "true")
    same = saying(tmp_path / "d" / "python", "3, 13", "3.13.9")
    assert labels(old, free) == ["3.13", "3.13t"]
    assert labels(old, new, free) == ["3.13.0", "3.13.9", "3.13t"]
    assert labels(old, new, same) == ["3.13.0", new, same]
    assert labels(old, old) == ["3.13"]
    other = saying(tmp_path / "a" / "python3", "3, 13", "3.13.0")
    assert labels(old, other) == ["3.13"], "one Python by two names is one row"


def labels(*names: str) -> list[str]:
    return [python.label for python in server_pythons(names)]


def test_pyenv_has_the_newest_of_a_version(tmp_path: Path) -> None:
    listed = "3.9.18 3.13.2 3.13.10 3.13.11t 3.14-dev system-wide"
    script = f'case $1 in versions) printf "%s\\n" {listed} ;; *) echo {tmp_path}/$2 ;; esac'
    program(tmp_path / "bin" / "pyenv", script)
    new = saying(tmp_path / "3.13.10" / "bin" / "python", "3, 13", "3.13.10")
    free = saying(tmp_path / "3.13.11t" / "bin" / "python", "3, 13", "3.13.11", "true")
    assert interpreter("3.13").executable == new
    assert interpreter("3.13t").executable == free
    with pytest.raises(ServiceError, match=r"Python '3\.1' not found"):
        interpreter("3.1")


def test_uv_and_the_path_are_asked_too(tmp_path: Path) -> None:
    managed = saying(tmp_path / "managed", "3, 14", "3.14.0")
    program(tmp_path / "bin" / "uv", f'[ "$6" = 3.14 ] && echo {managed}')
    other = saying(tmp_path / "bin" / "python3.12", "3, 12", "3.12.1")
    assert interpreter("3.14").executable == managed
    assert interpreter("3.12").executable == interpreter("python3.12").executable == other


def test_an_unusable_python_is_reported(tmp_path: Path) -> None:
    old = saying(tmp_path / "old", "3, 10", "3.10.13")
    with pytest.raises(ServiceError, match=r"old is Python 3\.10\.13; the server needs 3\.11"):
        interpreter(old)
    plain = tmp_path / "plain"
    plain.write_text("no program")
    with pytest.raises(ServiceError, match=r"plain is not Python 3\.11 or newer \(.*denied"):
        interpreter(str(plain))
    with pytest.raises(ServiceError, match=r"python2 is not Python .* \(Unknown option: -I\)"):
        interpreter(program(tmp_path / "python2", "echo Unknown option: -I >&2; exit 2"))
    with pytest.raises(ServiceError, match=f"interpreter {tmp_path}/nowhere not found"):
        interpreter(str(tmp_path / "nowhere"))
    for nothing in ("", "--help"):
        with pytest.raises(ServiceError, match=f"'{nothing}' is not a Python: give its path"):
            interpreter(nothing)
    with pytest.raises(ServiceError, match="or by uv, pyenv or PATH"):
        interpreter("3.99")


def test_the_script_gets_label_folder_and_base_and_takes_one_name(tmp_path: Path) -> None:
    python = saying(tmp_path / "py", "3, 99", "3.99.1", "true")
    ended = run("loadtests.service.pythons", python)
    assert (ended.code, ended.out, ended.err) == (0, "3.99t 3.99t /base\n", "")
    wrong = run("loadtests.service.pythons", "/no/python")
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err == "scripts/python: interpreter /no/python not found\n"
    for words in ((), ("",), ("--help",), ("3.13", "3.14")):
        command = [ROOT / "scripts" / "python", *words]
        script = subprocess.run(command, env={"PATH": PATH}, capture_output=True, check=False)
        assert (script.returncode, script.stdout) == (2, b"")
        assert b"name a Python" in script.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "scripts" / "constraints").glob("server*.txt")))
def test_an_environment_has_what_the_server_needs_and_nothing_of_locust(path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=~!]", line)[0] for line in project["dependencies"]}
    pinned = set(re.findall(r"^([a-z0-9-]+)==", path.read_text(), re.MULTILINE))
    assert needed <= pinned
    assert not pinned & {"locust", "gevent", "geventhttpclient", "brotli"}, "they turn the GIL on"


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
    counted = f'case "$*" in "-I -m pip "*) echo >> {root}/installed; exit ;; esac'
    program(root / ".venv" / "bin" / "python", f'{counted}\nPYTHONPATH={ROOT} exec {HERE} "$@"')
    (root / "scripts" / "constraints").mkdir()
    (root / "scripts" / "constraints" / "server.txt").write_text("aiohttp\n")
    shutil.copy(ROOT / "scripts" / "shared", root / "scripts")
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
    kinds = f"-VV) echo 3.99.1 ;; -Im) {making} ;; -I) echo '{answer}' ;; esac"
    program(base, f"case $1 in {kinds}")
    folder = script.parent.parent / ".pythons" / "3.99"
    assert ran(script, str(base)) == (folder / "bin" / "python", 2)
    assert ran(script, str(base)) == (folder / "bin" / "python", 2)
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to(tmp_path / "removed")
    assert ran(script, str(base)) == (folder / "bin" / "python", 4)
