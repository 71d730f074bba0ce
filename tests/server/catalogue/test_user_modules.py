"""Modules that users bring are found, imported and registered, or rejected with file and line."""

import binascii
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.catalogue.user_modules import load
from server.workloads import cpu
from server.workloads.registry import REGISTRY, WorkloadError
from tests.support.server_process import PATIENCE_S, ROOT

# This is all that a user has to write.
CHECKSUM = '''import binascii
from typing import Annotated
from annotated_types import Interval, Unit
from server.workloads import workload

@workload(kind="cpu")
def checksum(size: Annotated[int, Interval(ge=1, le=4096), Unit("KiB")] = 64) -> dict:
    """Checksum `size` KiB of zeros."""
    return {"crc": binascii.crc32(bytes(size * 1024))}
'''
OUTSIDE = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from server.catalogue.user_modules import load
from server.workloads.registry import REGISTRY

if __name__ == "__main__":
    name = load(sys.argv[1])
    checksum = REGISTRY["checksum"].function
    context = multiprocessing.get_context(sys.argv[2])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        print(name, REGISTRY["checksum"].source, pool.submit(checksum, size=2).result())
"""

APP = "from flask import Flask\napp = Flask(__name__)\n"
WORDS = "from server.workloads import native, workload\n"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write modules into the current folder, and unload them afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    before = dict(REGISTRY)

    def write(code: str, name: str = "shop.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
        return path

    yield write
    REGISTRY.clear()
    REGISTRY.update(before)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def refusal(given: str | Path) -> str:
    with pytest.raises(WorkloadError) as caught:
        load(str(given))
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "method"),
    [("{folder}/shop.py", "forkserver"), ("./shop.py", "spawn"), ("goods.shop", "spawn")],
)
def test_a_module_outside_the_repository_runs_in_other_processes(
    given: str, method: str, write: Write, tmp_path: Path
) -> None:
    write(CHECKSUM, "goods/shop.py" if "goods" in given else "shop.py")
    given = given.format(folder=tmp_path)
    main = write(OUTSIDE, "main.py")
    ended = subprocess.run(
        [sys.executable, "-P", main.name, given, method],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    name = "goods.shop" if "goods" in given else "shop"
    result = {"crc": binascii.crc32(bytes(2048))}
    assert (ended.stdout, ended.stderr) == (f"{name} {given} {result}\n", "")


def test_what_is_loaded_hides_nothing(write: Write, tmp_path: Path) -> None:
    path = write(CHECKSUM)
    write("raise AssertionError('not this one')", "json.py")
    first = list(sys.path)
    assert load(str(path)) == "shop"
    assert sys.path == [*first, str(tmp_path)]
    assert REGISTRY["checksum"].source == str(path)
    assert REGISTRY["primes"].source == "server.workloads.cpu"
    assert load("shop") == load(str(path)) == "shop"  # again: nothing is new, nothing is wrong
    assert load("server.workloads.cpu") == "server.workloads.cpu"
    assert sys.path == [*first, str(tmp_path)]
    assert REGISTRY["checksum"].source == str(path)


def test_a_twin_for_one_of_ours_is_taken_once(write: Write) -> None:
    twin = (
        "from server.workloads import native\nfrom server.workloads.cpu import count\n"
        "@native(count)\nasync def slowly(to: int = 5): return count(to)\n"
    )
    path = write(twin)
    assert load(str(path)) == "shop"
    assert REGISTRY["count"].native is not None
    assert REGISTRY["count"].function is cpu.count
    again = write(twin, "again.py")
    assert refusal(again) == (
        f"{again}:3: 'count' already has an async version, at {path}:3; keep only one"
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1\n", "{path}: it has no workload; put `@workload(kind="),
        ("x = 1\nimport nowhere.at_all\n", "{path}:2: the import failed: ModuleNotFoundError: "),
        (APP, "{path}: it has no workload; 'app' is a web application (Flask), and this server"),
        ("import json\n\njson.loads('{')\n", "{path}:3: the import failed: JSONDecodeError: Ex"),
        ("def f():\n    return (\n", "{path}:2: the import failed: SyntaxError: '('"),
        ("\nraise SystemExit(3)\n", "{path}:2: the import failed: SystemExit: 3"),
        ("exec('1 +')\n", "{path}:1: the import failed: SyntaxError: invalid"),
        ("from . import x\n", "{path}:1: the import failed: ImportError: attempted relative im"),
        (f"{WORDS}@workload\ndef f(): ...\n", "{path}:2: the import failed: TypeError: write @w"),
        (f"{WORDS}@workload(kind='cpu')\nclass A: ...\n", "{path}:2: the import failed: TypeErr"),
        (f"{WORDS}@native(len)\nasync def f(): ...\n", "{path}:2: 'len' is not a workload; dec"),
        (f"{WORDS}@native\nasync def f(): ...\n", "{path}:2: 'f' is not a workload; decorate a"),
        (f"{WORDS}@workload(kind='io', stages=[len])\ndef f(): ...\n", "{path}:2: 'f' has stages"),
        (f"{WORDS}@workload(kind='io', needs=5)\ndef f(): ...\n", "{path}:2: 'f' has stages or n"),
        (
            "class Rude(BaseException):\n    def __str__(self): raise SystemExit\nraise Rude\n",
            "{path}:3: the import failed: Rude: its text is unknown, because str() raised System",
        ),
        ("\nraise KeyboardInterrupt\n", "{path}:2: the import failed: KeyboardInterrupt"),
        ("raise OSError('two\\nlines')\n", "{path}:1: the import failed: OSError: two lines"),
        (
            f"{WORDS}@workload(kind='cpu')\ndef primes(): ...\n",
            "{path}:2: there is already a workload named 'primes', at " + cpu.__file__ + ":",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_refused(code: str, message: str, write: Write) -> None:
    path = write(code)
    before = dict(REGISTRY)
    reason = refusal(path)
    assert reason.startswith(message.format(path=path))
    assert not reason.endswith(":")
    assert before == REGISTRY


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("json.py", "{path}: another module named 'json' comes first (at " + json.__file__),
        ("sys.py", "{path}: another module named 'sys' comes first (at built in); rename the"),
        ("antigravity.py", "{path}: another module named 'antigravity' comes first (at /"),
        ("my-work.py", "{path}: 'my-work' cannot be imported; rename the file to my_work.py"),
        ("2fast.py", "{path}: '2fast' cannot be imported; rename the file to _2fast.py"),
        ("my-work/__init__.py", "{path}: 'my-work' cannot be imported; rename the folder to my_wo"),
        ("folder/shop.txt", "{path}: not a Python file; use one whose name ends in .py"),
    ],
)
def test_a_file_that_no_worker_could_import_is_refused(
    name: str, message: str, write: Write
) -> None:
    path = write(CHECKSUM, name)
    assert refusal(path).startswith(message.format(path=path))


@pytest.mark.parametrize("given", ["./goods", "goods/", "goods/__init__.py"])
def test_the_folder_of_a_package_is_a_path_too(given: str, write: Write) -> None:
    write(CHECKSUM, "goods/__init__.py")
    assert load(given) == "goods"


def test_a_folder_without_a_package_is_refused(write: Write, tmp_path: Path) -> None:
    write(CHECKSUM, "goods/shop.py")
    assert refusal("goods/") == (
        f"{tmp_path}/goods: not a package; name a .py file in it, or add __init__.py"
    )


def test_a_missing_package_can_be_installed(write: Write) -> None:
    path = write("import a_package_of_theirs\n")
    message = refusal(path)
    assert message.startswith(f"{path}:1: the import failed: ModuleNotFoundError: No module named")
    assert re.search(r"; if that is a package, install it: \S+pip .*install a_package_of", message)
    write("import json.nothing\n")
    assert "install" not in refusal("shop")


def test_a_failing_import_is_found_where_the_user_wrote_it(write: Write) -> None:
    path = write("1 / 0\n", "prices.py")
    write("\nimport prices\n")
    message = f"{path}:1: the import failed: ZeroDivisionError: division by zero"
    assert refusal("shop.py") == refusal("shop") == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere", "module 'nowhere' is neither in {cwd} nor on Python's path (No mod"),
        ("json.nowhere", "module 'json.nowhere' is neither in {cwd} nor on Python's pa"),
        ("my-work", "'my-work' is not the name of a module; write package.module, or the path of"),
        ("nowhere.py", "file not found: {cwd}/nowhere.py."),
        ("./folder", "file not found: {cwd}/folder"),
        ("sys", "sys: it has no workload; put `@workload("),
        ("json", "{json}: it has no workload; put `@workload("),
    ],
)
@pytest.mark.usefixtures("write")
def test_a_name_without_a_module_is_refused(given: str, message: str) -> None:
    assert refusal(given).startswith(message.format(cwd=Path.cwd(), json=json.__file__))


def test_a_misspelt_name_gets_a_suggestion(write: Write) -> None:
    write(CHECKSUM)
    assert refusal("shp.py").endswith("/shp.py. Did you mean 'shop.py'?")
    assert refusal("shp").endswith("(No module named 'shp'). Did you mean 'shop'?")


def test_a_built_in_workload_is_not_a_module(write: Write) -> None:
    with pytest.raises(WorkloadError, match="'sleep' is built in: the server has it without"):
        load("sleep", built_in=["sleep"])
    write(CHECKSUM, "sleep.py")
    assert load("sleep", built_in=["sleep"]) == "sleep"
