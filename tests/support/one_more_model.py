"""A server with one more model, a class and a line: `python -m tests.support.one_more_model`."""

import sys
from concurrent.futures import Future

from server.admission.bulkhead import Visit
from server.models.messages import Job
from server.models.offloaded import Offloaded
from server.settings import Settings
from server.tables import MODELS
from server.worker.carry import carry
from server.worker.timeline import Ran, Timeline


class Eager(Offloaded):
    doc = "On the event loop, but behind a queue."
    sized_by = "threads"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.threads)

    async def dispatch(self, job: Job, timeline: Timeline, visit: Visit) -> Ran:
        return await self.submit_and_wait(lambda: _done(carry(*job)), timeline, visit)


def _done(ran: Ran) -> Future[Ran]:
    future: Future[Ran] = Future()
    future.set_result(ran)
    return future


if __name__ == "__main__":
    from server.lifecycle.serve import main

    MODELS["eager"] = "tests.support.one_more_model:Eager"
    sys.exit(main(sys.argv[1:]))
