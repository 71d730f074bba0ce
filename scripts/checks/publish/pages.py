"""The pages that show runs, and their pictures: written anew, or found to be out of date."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from loadtests.errors import RunFileError
from loadtests.paths import ROOT
from loadtests.report.charts.converter import Converter
from loadtests.report.summary import summarize
from loadtests.report.survival.foretold import foretold
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.picture import drawn
from loadtests.report.survival.terminal import head, matrix_of, said
from loadtests.run.file.fold import read
from loadtests.system.files import put
from loadtests.wording import listing
from scripts.checks.publish.blocks import filled, names
from scripts.checks.publish.keep import keep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtests.report.summary import Summary

PAGES = ("README.md", "loadtests/RESULTS.md")
RUNS = "loadtests/published/runs"
PICTURES = "loadtests/published/pictures"


def publish(runs: Sequence[str]) -> int:
    """Keep the runs that are named, and write all pages and pictures that show them."""
    shown = {block.partition(" ")[0] for text in _texts(ROOT).values() for block in names(text)}
    for one in runs:
        name, equals, folder = one.partition("=")
        if not (equals and folder and name in shown):
            raise RunFileError(
                f"{one!r} is not NAME=DIR with a name that a page shows "
                f"({', '.join(sorted(shown))}); write headline=results/latest"
            )
        keep(Path(folder), ROOT / RUNS / name)
    for path, content in made(ROOT).items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            put(path, content)
            print(path.relative_to(ROOT))  # noqa: T201 - says what has changed
    return 0


def made(root: Path) -> dict[Path, str]:
    """Return what pages and pictures should contain, as the runs that are kept have it."""
    runs = {one.parent.name: summarize(read(one)) for one in root.glob(f"{RUNS}/*/run.jsonl")}
    texts = _texts(root)
    shown = {name for text in texts.values() for name in names(text)}
    pictures = {
        root / _place(name, what): draw(one)
        for name, one in runs.items()
        for what, draw in DRAWN.items()
        if f"{name} {what}" in shown
    }
    return {
        root / at: filled(text, partial(block, at, runs)) for at, text in texts.items()
    } | pictures


def _texts(root: Path) -> dict[str, str]:
    return {page: (root / page).read_text(encoding="utf-8") for page in PAGES}


def block(page: str, runs: Mapping[str, Summary], name: str) -> str:
    """Return the content of a block such as `headline picture`, on this page."""
    run, _, what = name.partition(" ")
    if run not in runs or what not in {"", "predictions", *DRAWN}:
        raise RunFileError(f"{page}: there is nothing to generate by the name {name!r}")
    summary = runs[run]
    match what:
        case "":
            return markdown(summary).partition("\n\n")[2].rstrip()
        case "predictions":
            return foretold(summary.cells)
        case _:
            where = os.path.relpath(_place(run, what), Path(page).parent)
            return f"![{_alternative(summary, what)}]({Path(where).as_posix()})"


def picture(summary: Summary) -> str:
    """Draw the matrix and its sentences as a terminal shows them."""
    parts = (head(summary.slo, summary.mode, summary.environment), matrix_of(summary))
    return drawn(Group(parts[0], Text(), parts[1], Text(), *said(summary)), summary)


def chart(summary: Summary) -> str:
    """Draw what each model bears."""
    from loadtests.report.survival import capacity_chart  # noqa: PLC0415 - Altair takes half a second

    with Converter() as converter:
        return capacity_chart.svg(capacity_chart.drawing(summary, converter), summary)


DRAWN: dict[str, Callable[[Summary], str]] = {"picture": picture, "chart": chart}


def _place(run: str, what: str) -> str:
    return f"{PICTURES}/{run}.svg" if what == "picture" else f"{PICTURES}/{run}-{what}.svg"


def _alternative(summary: Summary, what: str) -> str:
    """Say in words what the picture shows."""
    best = [f"{one.workload}: {listing(one.tied)}" for one in summary.verdicts if one.tied]
    kind = "matrix" if what == "picture" else what
    title = f"The survival {kind}: requests per second borne within {summary.slo}"
    most = f". Best for {'; for '.join(best)}" if best else ""
    return f"{title}{most}".replace("<", "&lt;")
