"""Run the server and the Locust web interface side by side; Ctrl-C stops both."""

from __future__ import annotations

import argparse
import socket
import sys
from errno import EADDRNOTAVAIL

from loadtests.errors import ServiceError, StartError
from loadtests.load.distributed.processes import HERE, distributed
from loadtests.paths import LOCUSTFILE, ROOT
from loadtests.service.contract import discover
from loadtests.service.options import ServerOptions
from loadtests.service.process import ServerProcess
from loadtests.service.workload_modules import chosen
from loadtests.system.child import child
from loadtests.system.signals import interruptible

STOP_S = 15.0


def run(parsed: argparse.Namespace) -> int:
    """Run until a signal, or until one of the two ends."""
    interruptible()
    _free(parsed.web_host, parsed.web_port)
    try:
        servers = ServerOptions.from_arguments(parsed)
        arguments = ("--port", str(parsed.port), *servers.only(servers.first).arguments())
        with ServerProcess(arguments, directory=servers.directory) as server:
            return _ui(server, parsed, servers)
    except StartError as error:
        raise ServiceError(f"{error}") from None
    except KeyboardInterrupt:
        return 0


def _ui(server: ServerProcess, parsed: argparse.Namespace, servers: ServerOptions) -> int:
    address = f"http://{_name(parsed.web_host)}:{parsed.web_port}"
    workloads = chosen(parsed.workloads or (), discover(server.url), servers.folder)
    command = [
        *(sys.executable, "-m", "loadtests.ui.launch", "-f", str(LOCUSTFILE)),
        *("--host", server.url),
        *("--web-host", parsed.web_host, "--web-port", str(parsed.web_port)),
        *("--allow-host", ",".join(parsed.allow_host), "--servers", servers.dump()),
        *(("--workloads", *workloads) if workloads else ()),
        *distributed(parsed.generators),
    ]
    message = f"Server: {server.url}   Locust UI: {address}   Ctrl-C stops both"
    if parsed.web_host not in {HERE, "localhost", "::1"}:
        message += f"\nwith --web-host {parsed.web_host}, anyone on the network can start tests"
    print(message, flush=True)  # noqa: T201 - printing is its purpose
    with child(command, stop_s=STOP_S, cwd=ROOT, start_new_session=True) as locust:
        return locust.wait()


def _name(host: str) -> str:
    """Return the host for a URL that can be opened on this machine."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return HERE
    return f"[{host}]" if ":" in host else host


def _free(host: str, port: int) -> None:
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        what, option = f"port {port}", "--web-port"
        if isinstance(error, socket.gaierror) or error.errno == EADDRNOTAVAIL:
            what, option = f"the address {host!r}", "--web-host"
        raise ServiceError(
            f"{what} cannot be used ({error.strerror}); choose another with {option}"
        ) from None
