"""Kill workers whose clients have disconnected: after a grace period, and not too many of them.

A worker takes longer to start than most calls take to end. So work that is nearly done may
finish, and mass disconnects do not cause mass restarts.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from server.models.supervised.worker_process import WorkerCall

GRACE_S = 0.05


class Reaper:
    """Kills abandoned calls: `per_s` each second, and as many at once (a token bucket).

    A call that finds no token keeps running until there is one.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = float(per_s)
        self._tokens = self._per_s
        self._counted = monotonic()

    def abandon(self, call: WorkerCall) -> None:
        """Kill the worker that holds this call, unless the call ends by itself soon."""
        asyncio.get_running_loop().call_later(GRACE_S, self._reap, call)

    def _reap(self, call: WorkerCall) -> None:
        if call.holder is None:
            return
        now = monotonic()
        self._tokens = min(self._tokens + self._per_s * (now - self._counted), self._per_s)
        self._counted = now
        if self._tokens >= 1:
            self._tokens -= 1
            call.holder.kill()
        else:
            wait_s = (1 - self._tokens) / self._per_s
            asyncio.get_running_loop().call_later(wait_s, self._reap, call)
