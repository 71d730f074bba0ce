"""The pages that show published runs, and their pictures: what they should contain today."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from loadtests.errors import RunFileError
from loadtests.paths import ROOT
from loadtests.report.summary import summarize
from loadtests.report.survival.figures import capacity_svg, surge_svg
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.sections import prediction_quality
from loadtests.report.survival.surge import surge_notes
from loadtests.report.survival.terminal import drawn, outcome
from loadtests.report.wording import headline
from loadtests.run.file.fold import read
from loadtests.system.files import put
from loadtests.wording import listing
from scripts.checks.publish.keep import keep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtests.report.summary import Summary

PAGES = ("README.md", "loadtests/RESULTS.md")
RUNS = "loadtests/published/runs"
PICTURES = "loadtests/published/pictures"
# Generated blocks of a page: from `<!-- generated: NAME -->` to `<!-- end -->`.
_BLOCK = re.compile(
    r"(<!-- generated: (?P<name>[^>]*?) -->\n)(?P<old>.*?)(<!-- end -->\n)", re.DOTALL
)
_BEGIN = "<!-- generated: "


def publish(runs: Sequence[str]) -> int:
    """Copy the named runs (`NAME=DIR`), then rewrite pages and pictures that are stale."""
    shown = {block.partition(" ")[0] for text in _texts(ROOT).values() for block in names(text)}
    for argument in runs:
        name, equals, folder = argument.partition("=")
        if not (equals and folder and name in shown):
            raise RunFileError(
                f"{argument!r} is not NAME=DIR with the name of a block "
                f"({', '.join(sorted(shown))}), e.g. headline=results/latest"
            )
        keep(Path(folder), ROOT / RUNS / name)
    for path, content in made(ROOT).items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            put(path, content)
            print(path.relative_to(ROOT))  # noqa: T201 - its output
    return 0


def made(root: Path) -> dict[Path, str]:
    """Map pages and pictures to what they should contain, according to the published runs."""
    runs = {path.parent.name: summarize(read(path)) for path in root.glob(f"{RUNS}/*/run.jsonl")}
    texts = _texts(root)
    shown = {name for text in texts.values() for name in names(text)}
    pictures = {
        root / _place(name, what): draw(summary)
        for name, summary in runs.items()
        for what, draw in DRAWN.items()
        if f"{name} {what}" in shown
    }
    return {
        root / at: filled(text, partial(block, at, runs)) for at, text in texts.items()
    } | pictures


def filled(page: str, content: Callable[[str], str]) -> str:
    """Return a page with new content in each block. Raises ValueError for an open block."""

    def replacement(match: re.Match[str]) -> str:
        return f"{match[1]}\n{content(match['name'])}\n\n{match[4]}"

    text, count = _BLOCK.subn(replacement, page)
    if count != page.count(_BEGIN):
        raise ValueError("a generated block has no end: put <!-- end --> on a line of its own")
    return text


def names(page: str) -> list[str]:
    """List the names of the blocks of a page."""
    return [match["name"] for match in _BLOCK.finditer(page)]


def _texts(root: Path) -> dict[str, str]:
    return {page: (root / page).read_text(encoding="utf-8") for page in PAGES}


def block(page: str, runs: Mapping[str, Summary], name: str) -> str:
    """Return the content of a block of a page, e.g. of `headline picture`."""
    run, _, what = name.partition(" ")
    if run not in runs or what not in {"", "predictions", *DRAWN}:
        raise RunFileError(f"{page}: no run or picture is called {name!r}")
    summary = runs[run]
    match what:
        case "":
            return markdown(summary).partition("\n\n")[2].rstrip()
        case "predictions":
            return prediction_quality(summary.cells)
        case _:
            where = os.path.relpath(_place(run, what), Path(page).parent)
            return f"![{_alternative(summary, what)}]({Path(where).as_posix()})"


def picture(summary: Summary) -> str:
    """Draw the matrix and its sentences as a terminal shows them."""
    return drawn(outcome(summary), summary)


LANES = "lanes"  # of a surge
DRAWN: dict[str, Callable[[Summary], str]] = {
    "picture": picture,
    "chart": capacity_svg,
    LANES: surge_svg,
}


def _place(run: str, what: str) -> str:
    return f"{PICTURES}/{run}.svg" if what == "picture" else f"{PICTURES}/{run}-{what}.svg"


def _alternative(summary: Summary, what: str) -> str:
    """Say in words what the picture shows."""
    if what == LANES:
        return " ".join(surge_notes(summary)).replace("<", "&lt;")
    best = [
        f"{verdict.workload}: {listing(verdict.ties)}"
        for verdict in summary.verdicts
        if verdict.ties
    ]
    kind = "matrix" if what == "picture" else what
    title = f"The survival {kind}. {headline(summary.slo)}"
    note = f". Best for {'; for '.join(best)}" if best else ""
    return f"{title}{note}".replace("<", "&lt;")
