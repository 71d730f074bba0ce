"""The files that a finished surge leaves beside its run file."""

from __future__ import annotations

import json
from pathlib import Path

from loadtests.report.surge import as_json
from loadtests.report.surge_markdown import markdown
from loadtests.report.terminal import REPORT
from loadtests.surge.records import Surge, read


def write(folder: Path) -> Surge:
    """Write the summary, the picture and the report from the folder's run file."""
    from loadtests.report.surge_page import html  # noqa: PLC0415 - Altair takes half a second
    from loadtests.report.surge_picture import svg  # noqa: PLC0415

    surge = read(folder)
    text = json.dumps(as_json(surge), indent=2, ensure_ascii=False)
    files = {"summary.json": text + "\n", "summary.md": markdown(surge), REPORT: html(surge)}
    if surge.measured:
        files["surge.svg"] = svg(surge)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return surge
