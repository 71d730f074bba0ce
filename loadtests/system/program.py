"""What the commands call themselves: the script that was run, or else `python -m loadtests`."""

import os
from pathlib import Path

from loadtests.paths import ROOT

SCRIPT = os.environ.get("LOADTESTS_SCRIPT", "")  # as the user wrote it
PROGRAM = SCRIPT or "python -m loadtests"


def script(name: str) -> str:
    """Return another script as the user would write it: beside a link, there may be none."""
    beside = Path(SCRIPT).parent / name
    if not SCRIPT:
        return f"scripts/{name}"
    return str(beside if beside.exists() else ROOT / "scripts" / name)
