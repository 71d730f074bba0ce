"""Work that never ends; for servers of its own, since it would keep any other busy for ever."""

import os
from itertools import repeat
from pathlib import Path

from server.workloads import workload
from tests.support.faulty_workloads import GATE


@workload(kind="cpu")
def spin() -> None:
    """Leave a mark and tell the process, then compute for ever."""
    Path(os.environ[GATE] + ".pid").write_text(str(os.getpid()))
    with Path(os.environ[GATE]).open("ab", buffering=0) as gate:
        gate.write(b".")
    while True:
        pass


@workload(kind="cpu")
def hog() -> bool:
    """Leave a mark, then compute in C for ever, which never lets go of the GIL."""
    with Path(os.environ[GATE]).open("ab", buffering=0) as gate:
        gate.write(b".")
    return all(repeat(1))
