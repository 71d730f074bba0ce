"""The arguments that make Locust offer the load from several processes of this machine."""

from __future__ import annotations

import socket

CONNECT_S = 60  # for all workers to connect; Locust itself would wait for ever
HERE = "127.0.0.1"  # Locust's own default is every interface


def distributed(generators: int) -> list[str]:
    """Return what makes Locust fork that many workers, which only this machine can reach."""
    if generators == 1:
        return []
    port = str(_free_port())
    return [
        *("--processes", str(generators), "--expect-workers-max-wait", str(CONNECT_S)),
        *("--master-bind-host", HERE, "--master-bind-port", port),
        *("--master-host", HERE, "--master-port", port),
    ]


def _free_port() -> int:
    """Find a port for the master: several runs may be under way on this machine."""
    with socket.create_server((HERE, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
