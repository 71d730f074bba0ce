"""Every package that the server or the load tests import is declared in pyproject.toml."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.support.server_process import ROOT

OURS = {"server", "loadtests"}


def imports(half: str) -> set[str]:
    """Collect the top-level packages that a half imports, in functions as well."""
    packages: set[str] = set()
    for path in (ROOT / half).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                packages |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                packages.add(node.module.partition(".")[0])
    return packages - sys.stdlib_module_names - OURS


def declared(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    requirements = [*project["dependencies"], *(line for name in extras for line in optional[name])]
    return {normal(re.split(r"[\s<>=!~\[;]", line)[0]) for line in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(("half", "extras"), [("server", ("dask",)), ("loadtests", ("loadtests",))])
def test_imported_packages_are_declared(half: str, extras: tuple[str, ...]) -> None:
    distributions = packages_distributions()
    missing = {
        package
        for package in imports(half) - {"_typeshed"}
        if not declared(*extras) & {normal(name) for name in distributions.get(package, ())}
    }
    assert not missing, f"add to the dependencies in pyproject.toml: {sorted(missing)}"
