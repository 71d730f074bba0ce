"""Each script of the checks has a help page that names it, its purpose and an example."""

import pytest

from tests.support.cli import run


@pytest.mark.parametrize("name", ["bench", "validate", "chaos", "error"])
def test_help_has_a_line_of_purpose_and_an_example(name: str) -> None:
    ended = run(f"scripts.checks.{name}", "--help", COLUMNS="100")
    assert ended.code == 0
    usage, purpose, example, *_ = ended.out.split("\n\n")
    assert usage.startswith(f"usage: scripts/{name} ")
    assert purpose.endswith(".")
    assert "\n" not in purpose
    assert example.startswith(f"example: scripts/{name} ")
