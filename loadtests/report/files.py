"""The files that a finished run leaves beside its run file."""

from __future__ import annotations

import json
from pathlib import Path

from loadtests.report.markdown import markdown
from loadtests.report.picture import svg
from loadtests.results import read
from loadtests.summary import Summary, summarize


def write(folder: Path) -> Summary:
    """Write summary.json, summary.md and survival.svg from the folder's run file."""
    from loadtests.report.html import html  # noqa: PLC0415 - Altair takes half a second

    run = read(folder)
    summary = summarize(run)
    text = json.dumps(summary.as_json(), indent=2, ensure_ascii=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    (folder / "summary.md").write_text(markdown(summary), encoding="utf-8")
    (folder / "survival.svg").write_text(svg(summary), encoding="utf-8")
    (folder / "report.html").write_text(html(run, summary), encoding="utf-8")
    return summary
