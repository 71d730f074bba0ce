"""End a process that ends with its standard input, as the local site and a Dask cluster do."""

import subprocess
from typing import Any


def end_by_input(process: subprocess.Popen[Any], patience_s: float) -> None:
    """Close its input, and wait for it; kill it if a forked worker holds that input open."""
    with process:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
