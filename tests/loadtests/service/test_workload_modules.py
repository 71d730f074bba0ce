"""Among names of workloads, a module of the user is recognised by its spelling."""

from pathlib import Path

import pytest

from loadtests.errors import ServiceError
from loadtests.service.contract import Discovery
from loadtests.service.workload_modules import chosen, is_module, located, modules

HERE = Path("/here")
OFFERED = Discovery(
    models={},
    workloads={
        "sleep": {"source": "server.workloads.io"},
        "primes": {"source": "server.workloads.cpu"},
        "checksum": {"source": "/here/mine.py"},
        "parse": {"source": "/here/mine.py"},
        "score": {"source": "my.package"},
    },
    runtime={},
)


@pytest.mark.parametrize("module", ["./mine.py", "mine.py", "my.package", "/a/b", "../mine.py"])
def test_a_file_or_a_dotted_name_is_a_module(module: str) -> None:
    assert is_module(module)


@pytest.mark.parametrize("name", ["sleep", "all", "my_work", "my-work"])
def test_a_plain_word_is_not_a_module(name: str) -> None:
    assert not is_module(name)


def test_files_become_absolute_paths() -> None:
    assert located("./mine.py", HERE) == located("mine.py", HERE) == "/here/mine.py"
    assert located("/there/mine.py", HERE) == "/there/mine.py"
    assert located("my.package", HERE) == "my.package"


def test_modules_are_picked_each_once(tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    values = ["sleep", "mine.py", "my.package", "./mine.py"]
    assert modules(values, tmp_path) == (str(tmp_path / "mine.py"), "my.package")


@pytest.mark.parametrize("missing", ["./mine.py", "folder/", "mine.py"])
def test_a_missing_file_is_reported(missing: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ServiceError, match=f"file {tmp_path}"):
        modules(["sleep", missing], tmp_path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["primes", "sleep"], ["primes", "sleep"]),
        (["./mine.py"], ["checksum", "parse"]),
        (["my.package", "sleep", "mine.py", "parse"], ["score", "sleep", "checksum", "parse"]),
        (["checksum"], ["checksum"]),
        (["all"], list(OFFERED.workloads)),
        (["./mine.py", "all"], ["checksum", "parse", "sleep", "primes", "score"]),
    ],
)
def test_workloads_are_chosen_by_name_or_by_their_module(
    values: list[str], expected: list[str]
) -> None:
    assert chosen(values, OFFERED, HERE) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("slep", "unknown workload 'slep'; did you mean 'sleep'?"),
        ("./empty.py", "/here/empty.py declares no workload; decorate a function"),
        ("other.package", "other.package declares no workload"),
    ],
)
def test_what_is_missing_is_named(value: str, message: str) -> None:
    with pytest.raises(ServiceError) as raised:
        chosen([value], OFFERED, HERE)
    assert message in str(raised.value)


def test_a_word_that_is_the_name_of_a_file_gets_a_hint(tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    with pytest.raises(
        ServiceError, match=r"unknown workload 'mine'; for the module here, write \./mine"
    ):
        chosen(["mine"], OFFERED, tmp_path)
