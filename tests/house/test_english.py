"""Everything here is plain English: no habit of the old dialect comes back, nor its names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.house.rooms import ROOT

TEXTS = {".py", ".md", ".html", ".js", ".css", ".toml", ".yml", ""}
# What it says instead: sustains, capacity; whether or not; is not a …; statistically tied.
DIALECT = re.compile(
    r"\b(bears?|bore|borne|be it|lest|not to be told|is no|are no)\b", re.IGNORECASE
)
KEY = re.compile(r"""["']bears["']""")  # of stored comparisons, whose readers know it
KEYED = {"loadtests/report/compare/json.py", "tests/loadtests/report/test_compare_output.py"}
NOT_NAMES = {"one", "said", "found", "each", "told", "seen", "asked"}
HERE = Path(__file__).relative_to(ROOT).as_posix()


def texts() -> list[str]:
    """List the files that people read, as git has them."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return [
        name
        for name in listed
        if Path(name).suffix in TEXTS
        and name not in {HERE, "LICENSE"}
        and "constraints" not in name
    ]


def named(node: ast.AST) -> str:
    """Return the name that a node gives to a variable, a parameter, a function or a class."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, ast.Store) else ""
    return str(getattr(node, "arg" if isinstance(node, ast.arg) else "name", ""))


def test_there_are_texts() -> None:
    assert {"README.md", "scripts/test", "loadtests/slo.py"} <= set(texts())


def foreign(name: str) -> Iterator[str]:
    """Yield the places of a file that are not plain English."""
    text = (ROOT / name).read_text(encoding="utf-8")
    yield from (
        f"{name}:{number}: {line}"
        for number, line in enumerate(text.splitlines(), 1)
        if DIALECT.search(KEY.sub("", line) if name in KEYED else line)
    )
    nodes = ast.walk(ast.parse(text)) if name.endswith(".py") else ()
    yield from (
        f"{name}:{getattr(node, 'lineno', 0)}: the name {named(node)}"
        for node in nodes
        if named(node).strip("_").lower() in NOT_NAMES
    )


def test_every_text_is_in_plain_english() -> None:
    wrong = [place for name in texts() for place in foreign(name)]
    assert not wrong, "\n".join(wrong)
