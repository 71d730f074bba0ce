"""What the tests of the bulkhead share."""

import asyncio

from server.admission.bulkhead import Bulkhead
from server.admission.policies import Bounded

LONG_S = 60.0


def bounded(workers: int, queue: int, deadline_s: float, ahead: int = 0) -> Bulkhead:
    return Bulkhead(workers, Bounded(workers, queue, LONG_S), deadline_s, ahead)


async def settle() -> None:
    """Run every callback that is ready."""
    for _ in range(5):
        await asyncio.sleep(0)
