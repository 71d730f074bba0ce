"""Who may import whom, as the design says; and files stay small and say why they exist."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STANDARD = {*sys.stdlib_module_names, "__future__"}
PATCHING = {"gevent", "locust", "geventhttpclient"}  # Locust patches the whole process
MAY_PATCH = {
    f"loadtests.{name}"
    for name in (
        "arriving",
        "beyond.faults",
        "calibration",
        "connection",
        "connections",
        "form",
        "generator",
        "launch",
        "locustfile",
        "offer",
        *("panel.asked", "panel.fields", "panel.ours"),
        *("panel.recording", "panel.tabs", "panel.watching"),
        "panel.search.session",
        "shaping",
        "signs",
        "stream",
        "surge.gauges",
        "surge.measuring",
        "surge.offer",
        "surge.scenario",
        "survival",
        "swarm",
        "users",
        "worker",
    )
}
PURE = [
    f"loadtests.{name}"
    for name in (
        *("arrivals", "ceilings", "combined", "diagnosis", "evidence", "machine", "offered"),
        *("proof", "queueing", "readings", "remedies", "search", "shapes", "slo", "summary"),
        "trial",
        *("compare.cautions", "compare.changes", "compare.comparison", "compare.sentences"),
        "compare.sides",
    )
]
COMPUTING = {
    *("bisect", "collections", "dataclasses", "decimal", "enum", "fractions", "functools"),
    *("heapq", "itertools", "json", "math", "random", "re", "shlex", "statistics", "typing"),
    *("__future__", "MLRsearch"),
}
LONG = {  # with the reason
    "server/prefork.py": "a worker of gunicorn's from its fork to its drain, in one piece",
    "tests/test_summary.py": "verdicts and summaries are told from the same run files",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One module that another imports: with it, inside a function, or for the type checker."""

    name: str
    lazy: bool
    typing: bool

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]


def sources(*folders: str) -> dict[str, Path]:
    """Find the modules of our packages by their names."""
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = sources("server", "loadtests")


@cache
def imports(module: str) -> list[Import]:
    return list(_walk(ast.parse(MODULES[module].read_text()), lazy=False, typing=False))


def _walk(node: ast.AST, *, lazy: bool, typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, lazy, typing) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                name = whole if whole in MODULES else str(child.module)
                yield Import(name, lazy, typing)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            checked = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _walk(child, lazy=lazy or inside, typing=typing or checked)


def reached(module: str) -> set[str]:
    """List our modules that are loaded with one, directly or not."""
    found: set[str] = set()
    left = [module]
    while left:
        one = left.pop()
        if one not in found and one in MODULES:
            found.add(one)
            left += [each.name for each in imports(one) if not each.typing]
            left.append(one.rpartition(".")[0])  # a module loads its package
    return found


def under(prefix: str) -> list[str]:
    return [name for name in MODULES if name == prefix or name.startswith(f"{prefix}.")]


def test_a_walk_finds_every_form_of_import() -> None:
    code = "import a.b, c\nif TYPE_CHECKING:\n    import d\ndef f():\n    from server import app\n"
    assert list(_walk(ast.parse(code), lazy=False, typing=False)) == [
        Import("a.b", lazy=False, typing=False),
        Import("c", lazy=False, typing=False),
        Import("d", lazy=False, typing=True),
        Import("server.app", lazy=True, typing=False),
    ]
    assert "server.errors" in reached("server.app")
    assert len(MODULES) > 30


@pytest.mark.parametrize(("half", "other"), [("server", "loadtests"), ("loadtests", "server")])
def test_the_halves_share_no_module(half: str, other: str) -> None:
    for module in under(half):
        assert other not in {one.package for one in imports(module)}, module
        assert "tests" not in {one.package for one in imports(module)}, module


FOR_WORKERS = ("server.worker.outcomes", "server.worker.timeline")


@pytest.mark.parametrize(
    "module", [*under("server.workloads"), *FOR_WORKERS, "server.worker.carry"]
)
def test_what_workers_load_is_the_standard_library_and_each_other(module: str) -> None:
    for one in imports(module):
        if not one.lazy and not one.typing:
            ours = one.name.startswith("server.workloads") or one.name in FOR_WORKERS
            assert one.package in STANDARD | {"annotated_types"} or ours, one


@pytest.mark.parametrize("module", under("server.models"))
def test_models_never_know_workloads(module: str) -> None:
    assert not any(one.name.startswith("server.workloads") for one in imports(module))


def test_models_do_not_reach_workloads_by_another_way() -> None:
    for module in under("server.models"):
        assert not {name for name in reached(module) if name.startswith("server.workloads")}


@pytest.mark.parametrize("module", list(MODULES))
def test_only_what_locust_loads_imports_what_patches_the_process(module: str) -> None:
    if module not in MAY_PATCH:
        assert not {one.package for one in imports(module)} & PATCHING


def test_the_command_line_of_the_load_tests_is_never_patched() -> None:
    assert not reached("loadtests.__main__") & MAY_PATCH


@pytest.mark.parametrize("module", PURE)
def test_what_decides_is_pure(module: str) -> None:
    for reach in reached(module):
        for one in imports(reach):
            if not one.typing:
                assert one.package in COMPUTING | {"loadtests"}, f"{reach} imports {one.name}"


@pytest.mark.parametrize(
    "path",
    sorted(sources("server", "loadtests", "tests", "scripts").values()),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_each_file_is_small_and_says_why_it_exists(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "the first line of a module says why it exists"
    name = str(path.relative_to(ROOT))
    assert (len(text.splitlines()) > 200) == (name in LONG), "a file past 200 lines is two files"


def test_long_files_exist() -> None:
    assert all((ROOT / name).exists() and reason for name, reason in LONG.items())
