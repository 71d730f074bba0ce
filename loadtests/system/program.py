"""What the commands call themselves: the script that was run, or else `python -m loadtests`."""

import os
from pathlib import Path

SCRIPT = os.environ.get("LOADTESTS_SCRIPT", "")  # as the user wrote it
PROGRAM = SCRIPT or "python -m loadtests"


def script(name: str) -> str:
    """Return another script as the user would write it."""
    return str(Path(SCRIPT).parent / name) if SCRIPT else f"scripts/{name}"
