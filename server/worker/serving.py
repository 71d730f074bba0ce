"""What a server's own process has opened, and closes when its last event loop ends."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.worker.errands import in_own_thread
from server.worker.resources import CLOSE_S, close_loop, close_process, close_thread

log = logging.getLogger("loadbearing")
_lock = threading.Lock()
_loops = 0  # several servers, one loop each, may share the process


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """Close what the work within has opened: on this loop, in its thread, and in the process."""
    global _loops  # noqa: PLW0603 - one for each process
    with _lock:
        _loops += 1
    try:
        yield
    finally:
        await close_loop()
        close_thread()
        with _lock:
            _loops -= 1
            last = not _loops
        if last:
            try:
                await asyncio.wait_for(in_own_thread(close_process), CLOSE_S)
            except (TimeoutError, RuntimeError) as error:  # the latter: no thread can be started
                reason = str(error) or f"it took longer than {CLOSE_S:g} s"
                log.warning("what this process has opened was not all closed: %s", reason)
