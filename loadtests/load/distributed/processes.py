"""How many processes offer the load, what Locust is told of them, and that none is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress

CONNECT_S = 60  # for all workers to be there; Locust itself would wait for ever
HERE = "127.0.0.1"  # Locust's own default is every interface


def distributed(generators: int) -> list[str]:
    """Have Locust start workers of its own, on this machine alone, where one does not do."""
    if generators == 1:
        return []
    port = str(_free_port())
    return [
        *("--processes", str(generators), "--expect-workers-max-wait", str(CONNECT_S)),
        *("--master-bind-host", HERE, "--master-bind-port", port),
        *("--master-host", HERE, "--master-port", port),
    ]


def sweep(locust: subprocess.Popen[bytes]) -> None:
    """Kill what has outlived a Locust in a session of its own: its workers would go on for 60 s."""
    with suppress(ProcessLookupError, PermissionError):  # nothing is left, or nothing but zombies
        os.killpg(locust.pid, signal.SIGKILL)


def _free_port() -> int:
    """Find a port for the master: several runs may go on side by side."""
    with socket.create_server((HERE, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
