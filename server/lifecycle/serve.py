"""The life of the server: read the options, bind, and serve in one process or in several."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from errno import EADDRINUSE
from importlib import import_module
from pathlib import Path

from server import streams
from server.catalogue.user_modules import load
from server.errors import log
from server.lifecycle.sockets import bind
from server.models.selection import absent
from server.settings import BUILT_IN, PROGRAM, Settings
from server.web.discovery import caveats
from server.web.door import is_wide
from server.web.handlers import FIXED
from server.web.page import PAGE
from server.worker.imports import KEPT
from server.workloads.registry import REGISTRY, WorkloadError

# What becomes of a module that keeps a thread or a connection.
CARRIED = {
    "fork": "forked workers share connections and lack threads; use another --start-method",
    **dict.fromkeys(
        ("forkserver", "spawn"),
        "each worker process imports it itself, under process-per-request for each request",
    ),
}
RESERVED = {*FIXED, PAGE}  # names of paths, so no workload may have them


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT (a second one ends it at once), and return the exit code.

    That is 0 once it has served, and 130 if it is interrupted before.
    """
    settings = Settings.parse(arguments, built_in)
    streams.reserve()
    streams.close_input()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Every malformed request would log a traceback here; unexpected errors have our own logger.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    try:
        settings = settings.model_copy(update={"workloads": load_all(settings.workloads)})
    except WorkloadError as error:
        for line in str(error).splitlines():
            print(f"{PROGRAM}: {line}", file=sys.stderr)  # noqa: T201 - to whoever started it
        return 2
    for module, kept in KEPT.items():
        log.warning("the import of %s keeps %s: %s", module, kept, CARRIED[settings.start_method])
    sys.setswitchinterval(settings.switch_interval)
    for caveat in caveats(settings):
        log.warning("%s", caveat)
    for name, why in absent(settings).items():
        if why and name in settings.models:
            log.warning("the model %s is not available: %s", name, why)
    try:
        sockets = bind(settings.host, settings.port, max(settings.workers, settings.loops))
    except (OSError, UnicodeError) as error:  # the latter for a malformed name
        taken = isinstance(error, OSError) and error.errno == EADDRINUSE
        other = "--port (0 picks a free one)" if taken else "--host or --port"
        reason = error.strerror if isinstance(error, OSError) else "not the name of a host"
        print(  # noqa: T201 - to whoever started it
            f"{PROGRAM}: cannot listen on {settings.host}:{settings.port}: "
            f"{reason}. Choose another {other}.",
            file=sys.stderr,
        )
        return 1
    if is_wide(settings.host):
        log.warning("with --host %s, anyone who can reach this machine can run work", settings.host)
    settings = settings.model_copy(update={"port": sockets[0].getsockname()[1]})
    if settings.workers > 1:
        from server.lifecycle.prefork import run  # noqa: PLC0415 - gunicorn, only where needed
    else:
        from server.lifecycle.event_loops import run  # noqa: PLC0415 - likewise
    return run(settings, sockets)


def load_all(given: Sequence[str]) -> tuple[str, ...]:
    """Import the workloads, ours and the user's, and return the names of the user's modules.

    Raises WorkloadError.
    """
    try:
        Path.cwd()
    except FileNotFoundError:  # every process that multiprocessing starts goes there
        raise WorkloadError("the current folder was deleted; start it in another one") from None
    ours = built_in()
    return tuple(load(module, RESERVED, ours) for module in given)


def built_in() -> list[str]:
    """Import our own workloads, and return their names."""
    for module in BUILT_IN:
        import_module(module)
    return [name for name, workload in REGISTRY.items() if workload.source in BUILT_IN]
