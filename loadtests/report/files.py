"""The files that a finished run leaves beside its run file."""

from __future__ import annotations

import json
from pathlib import Path

from loadtests.report.markdown import markdown
from loadtests.report.picture import svg
from loadtests.report.terminal import REPORT
from loadtests.results import read
from loadtests.summary import Summary, summarize


def write(folder: Path) -> Summary:
    """Write the summary, two pictures and the report from the folder's run file."""
    from loadtests.report import hero  # noqa: PLC0415 - Altair takes half a second
    from loadtests.report.html import html  # noqa: PLC0415 - likewise

    run = read(folder)
    summary = summarize(run)
    drawing = hero.drawing(summary)
    text = json.dumps(summary.as_json(), indent=2, ensure_ascii=False)
    for name, content in (
        ("summary.json", text + "\n"),
        ("summary.md", markdown(summary)),
        ("survival.svg", svg(summary)),
        ("capacity.svg", hero.svg(drawing, summary)),
        (REPORT, html(run, summary, drawing)),
    ):
        (folder / name).write_text(content, encoding="utf-8")
    return summary
