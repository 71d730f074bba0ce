"""What a run was measured under, as far as an answer depends on it: admission and the machine."""

from collections.abc import Mapping
from typing import Any

from loadtests.machine.environment import describe

# By policy of the server; `{target}` and `{queue}` are its options.
ADMISSION = {
    "unbounded": "accepts everything, however long the queue",
    "bounded": "refuses what comes when {queue} requests wait",
    "deadline": "refuses what would not be answered within {target}",
    "lifo": "serves the newest first, and refuses what has waited for {target}",
    "adaptive": "refuses what exceeds a limit that follows answers within {target}",
}
PLAIN = "unbounded"


def setting(environment: Mapping[str, Any]) -> str:
    """Describe the machine, the runtime and the admission in a line."""
    return "; ".join(filter(None, (describe(environment), admission(environment))))


def admission(environment: Mapping[str, Any]) -> str:
    """Say what the server does when there is too much load; empty where that is not recorded."""
    server = environment.get("server") or {}
    policy = server.get("admission")
    if policy not in ADMISSION:
        return ""
    target = f"{1e3 * server['target_s']:g} ms" if server.get("target_s") else "its target"
    text = ADMISSION[policy].format(target=target, queue=server.get("queue", "too many"))
    plain = "" if policy == PLAIN else f" (--admission {PLAIN} shows a plain queue)"
    return f"admission {policy}: {text}{plain}"
