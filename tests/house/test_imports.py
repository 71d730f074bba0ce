"""Who may import whom: rooms in one order, pure cores, workers that load little, small files."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.house.rooms import (
    MODULES,
    ROOMS,
    ROOT,
    Import,
    imports,
    levels,
    reached,
    room_of,
    sources,
    under,
    upward,
    walk,
)

STANDARD = {*sys.stdlib_module_names, "__future__"}
PATCHING = {"gevent", "locust", "geventhttpclient"}  # Locust patches the whole process
NEVER_PATCHED = ("commands", "report", "cause", "machine", "trial", "system")
PURE = ("trial", "capacity", "cause")
IMPURE = {  # with the reason
    "loadtests.trial.cell_load": "offers a load",
    "loadtests.capacity.calibration": "offers a load",
    "loadtests.capacity.climb": "offers a load",
}
COMPUTING = {
    *("bisect", "collections", "dataclasses", "decimal", "enum", "fractions", "functools"),
    *("heapq", "itertools", "json", "math", "random", "re", "shlex", "statistics", "typing"),
    *("__future__", "MLRsearch"),
}
MOST_LINES = 350
MOST_LEVELS = 10
OWN_PROCESS = {"server.workloads.site"}  # no worker loads it


def test_a_walk_finds_every_form_of_import() -> None:
    code = (
        "import a.b, c\nif TYPE_CHECKING:\n    import d\ndef f():\n    from server import errors\n"
    )
    assert list(walk(ast.parse(code), lazy=False, typing=False)) == [
        Import("a.b", lazy=False, typing=False),
        Import("c", lazy=False, typing=False),
        Import("d", lazy=False, typing=True),
        Import("server.errors", lazy=True, typing=False),
    ]
    assert "server.errors" in reached("server.web.app")
    assert room_of("loadtests.run.file.lines") == "run"
    assert room_of("loadtests.slo") == "vocabulary"
    assert len(MODULES) > 100


@pytest.mark.parametrize("half", ROOMS)
def test_every_folder_is_a_room_with_a_place(half: str) -> None:
    assert {room_of(name) for name in under(half)} == set(ROOMS[half])


@pytest.mark.parametrize("half", ROOMS)
def test_no_room_imports_a_higher_one(half: str) -> None:
    assert upward(half) == []


@pytest.mark.parametrize("half", ROOMS)
def test_the_house_is_not_too_high(half: str) -> None:
    assert max(levels(half).values()) <= MOST_LEVELS


@pytest.mark.parametrize(("half", "other"), [("server", "loadtests"), ("loadtests", "server")])
def test_the_halves_share_no_module(half: str, other: str) -> None:
    for module in under(half):
        packages = {target.package for target in imports(module)}
        assert not packages & {other, "tests", "scripts"}, module


def declared(*extras: str) -> set[str]:
    """Name the packages that pyproject.toml requires, with some of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    requirements = [*project["dependencies"], *(line for name in extras for line in optional[name])]
    return {normal(re.split(r"[\s<>=!~\[;]", line)[0]) for line in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("half", "extras"), [("server", ("dask", "postgres")), ("loadtests", ("loadtests",))]
)
def test_imported_packages_are_declared(half: str, extras: tuple[str, ...]) -> None:
    packages = {target.package for module in under(half) for target in imports(module)}
    distributions = packages_distributions()
    missing = {
        package
        for package in packages - STANDARD - {half, "_typeshed"}
        if not declared(*extras) & {normal(name) for name in distributions.get(package, ())}
    }
    assert not missing, f"add to the dependencies in pyproject.toml: {sorted(missing)}"


def test_scripts_never_import_tests() -> None:
    for name, path in sources("scripts").items():
        targets = walk(ast.parse(path.read_text()), lazy=False, typing=False)
        assert "tests" not in {target.package for target in targets}, name


def test_workers_load_the_standard_library_and_each_other() -> None:
    modules = {*under("server.workloads"), *under("server.worker")} - OWN_PROCESS
    for target in (target for module in modules for target in imports(module)):
        if not target.lazy and not target.typing:
            ours = target.name.startswith(("server.workloads", "server.worker"))
            assert target.package in STANDARD | {"annotated_types"} or ours, target


def test_models_do_not_reach_workloads_in_any_way() -> None:
    for module in under("server.models"):
        assert not {name for name in reached(module) if name.startswith("server.workloads")}


def test_what_patches_the_process_stays_in_rooms_that_locust_loads() -> None:
    for module in (name for name in MODULES if room_of(name) in NEVER_PATCHED):
        assert not {target.package for target in imports(module)} & PATCHING, module


def test_commands_and_reports_are_never_patched() -> None:
    modules = ["loadtests.__main__", *under("loadtests.report"), *under("loadtests.commands")]
    for name in {name for module in modules for name in reached(module)}:
        assert not {target.package for target in imports(name) if not target.lazy} & PATCHING, name


@pytest.mark.parametrize("room", PURE)
def test_what_decides_is_pure(room: str) -> None:
    for module in under(f"loadtests.{room}"):
        if module not in IMPURE:
            for target in imports(module):
                if not target.typing:
                    assert target.package in COMPUTING | {"loadtests"}, f"{module}: {target.name}"


def test_each_file_is_small_and_says_why_it_exists() -> None:
    for path in sources("server", "loadtests", "tests", "scripts").values():
        text = path.read_text()
        assert ast.get_docstring(ast.parse(text)), f"{path}: its first line says why it exists"
        assert len(text.splitlines()) <= MOST_LINES, f"{path} holds more than one idea"
