"""What makes this server's figures worth less, said loudly: at start, and in every result."""

from __future__ import annotations

import sys
import sysconfig

from server.settings import Settings


def caveats(settings: Settings) -> list[str]:
    """List what a reader of measurements must know of how this server was started."""
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    gil: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
    found = []
    if free_threaded and gil:
        found.append(
            "the GIL is on although this Python is free-threaded: PYTHON_GIL or an extension "
            "module turned it on (Python's warning on standard error names the module)"
        )
    if gil and settings.loops > 1:
        found.append(
            f"{settings.loops} event loops share one GIL and take turns: more than one only helps "
            "on a free-threaded Python (3.13t, 3.14t); for others there is --workers"
        )
    if settings.start_method == "fork":
        found.append(
            "worker processes are forked from a process with threads: a lock that one of them held "
            "stays locked in the child for ever (python/cpython#105464); forkserver is safe"
        )
    if settings.admission == "unbounded":
        found.append(
            "--admission unbounded has no bound, no deadline, and no eye for clients that hang up: "
            "it shows what servers without them do under overload"
        )
    return found
