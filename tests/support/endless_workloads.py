"""Work that never ends; it needs its own servers, because it would keep them busy for ever."""

import os
from itertools import repeat
from pathlib import Path

from server.workloads import workload
from tests.support.faulty_workloads import GATE


@workload(kind="cpu")
def spin() -> None:
    """Write a mark and the process id, then compute for ever."""
    Path(os.environ[GATE] + ".pid").write_text(str(os.getpid()))
    with Path(os.environ[GATE]).open("ab", buffering=0) as gate:
        gate.write(b".")
    while True:
        pass


@workload(kind="cpu")
def hog() -> bool:
    """Write a mark, then compute in C for ever, without releasing the GIL."""
    with Path(os.environ[GATE]).open("ab", buffering=0) as gate:
        gate.write(b".")
    return all(repeat(1))
