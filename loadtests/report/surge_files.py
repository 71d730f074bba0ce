"""The files that a finished surge leaves beside its run file."""

from __future__ import annotations

import json
from pathlib import Path

from loadtests.report.surge import as_json
from loadtests.report.surge_markdown import markdown
from loadtests.surge.records import Surge, read


def write(folder: Path) -> Surge:
    """Write summary.json, summary.md and surge.svg from the folder's run file."""
    from loadtests.report.surge_picture import svg  # noqa: PLC0415 - Altair takes half a second

    surge = read(folder)
    text = json.dumps(as_json(surge), indent=2, ensure_ascii=False)
    (folder / "summary.json").write_text(text + "\n")
    (folder / "summary.md").write_text(markdown(surge))
    if surge.measured:
        (folder / "surge.svg").write_text(svg(surge))
    return surge
