"""What GitHub shows of a run: the summary of a step, and annotations of the checks."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from loadtests.report.check import Check
from loadtests.system.streams import encoded

MOST = 2**20  # bytes of a step's summary: GitHub shows none of a longer one
CUT = "\n\nThe rest does not fit here; it is in the files of the run.\n"
COMMANDS = {"fails": "error", "cannot tell": "warning"}


def step_summary() -> Path | None:
    """Return the file that takes the summary of the step that this command is a part of."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def append(path: Path, text: str) -> None:
    """Add Markdown to a summary, whole lines only, as far as there is room."""
    room = MOST - (path.stat().st_size if path.exists() else 0)
    content = encoded(text)
    if len(content) > room:
        kept = content[: max(room - len(encoded(CUT)), 0)].rpartition(b"\n")[0]
        content = kept + encoded(CUT) if kept else b""
    with path.open("ab") as file:
        file.write(content)


def workflow_commands(checks: Iterable[Check]) -> Iterator[str]:
    """Yield a workflow command for each check that does not hold, where GitHub reads them."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for check in checks:
            if check.outcome in COMMANDS:
                title = _escaped(f"{check.subject} {check.name}", ":,")
                sentence = _escaped(check.sentence)
                yield f"::{COMMANDS[check.outcome]} title={title}::{sentence}"


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
