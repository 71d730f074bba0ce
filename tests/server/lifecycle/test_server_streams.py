"""Standard output has only the address; whatever work prints goes to the log."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from server.tables import MODELS
from tests.support.rude_workloads import CHATTER
from tests.support.server_process import PATIENCE_S, ROOT, asking, running

OTHERS = {"async", "interpreter-pool"} | (set() if find_spec("distributed") else {"dask"})
STARTED = [name for name in MODELS if name not in OTHERS]
RUDE = ("--processes", "1", "--workloads", "tests.support.rude_workloads", "--models")

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize(
    "options", [(), ("--workers", "2"), ("--start-method", "fork")], ids=["one", "workers", "fork"]
)
async def test_what_work_prints_neither_blocks_it_nor_comes_before_the_address(
    options: tuple[str, ...],
) -> None:
    models = [name for name in STARTED if not options or name in {"thread-pool", "process-pool"}]
    with running(*options, *RUDE, ",".join(models), module="server") as server:
        async with asking(server) as client:
            for model in models:  # nothing reads standard output meanwhile
                answer = await client.ask(f"/chatter/{model}")
                assert (answer.status, answer.json["result"]) == (200, "")
        log = server.errors.read_text()  # while its workers live: nothing waits for their end
        assert log.count("rude: chatter\n") == len(models)
        assert log.count("." * CHATTER) == len(models)
        assert log.count("rude: imported\n") >= 1
        assert await server.stopped() == 0
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors_are_not_reused(closed: str) -> None:
    code = (
        "import os, sys; from server import streams; streams.reserve(); streams.close_input()\n"
        "other = os.pipe()\nprint('printed'); streams.greet('address')\n"
        "os._exit(min(other) < 3 or os.read(0, 1) != b'')"
    )
    ended = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stdout == ("address\n" if closed == "2>&-" else "")
    assert ended.stderr == ("printed\n" if closed == ">&-" else "")
