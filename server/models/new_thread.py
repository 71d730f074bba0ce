"""A call in a thread of its own, which nobody has to wait for when the server ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_new_thread(call: Callable[[], T]) -> Future[T]:
    """Run a call that never raises. Raises RuntimeError if no thread can be started."""
    remote: Future[T] = Future()
    remote.set_running_or_notify_cancel()
    threading.Thread(target=lambda: remote.set_result(call()), daemon=True).start()
    return remote
