"""Workloads that do not end when they should, or end their process; or tell that they have run."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic
from typing import Annotated

from annotated_types import Interval, Unit

from server.workloads import workload

WORKLOADS = __file__  # for the server, which loads it by its path
MARKS = "LOADBEARING_MARKS"  # the prefix takes it into the worker processes


@workload(kind="cpu")
def spin(seconds: Annotated[int, Interval(ge=1, le=3600), Unit("s")] = 3600) -> None:
    """Tell its process, then compute until so many seconds are over: by default, for ever."""
    Path(os.environ[MARKS]).write_text(str(os.getpid()))
    end = monotonic() + seconds
    while monotonic() < end:
        pass


@workload(kind="cpu")
def mark() -> None:
    """Leave a mark, then compute for a few milliseconds."""
    with Path(os.environ[MARKS]).open("ab", buffering=0) as marks:
        marks.write(b".")
    end = monotonic() + 0.005
    while monotonic() < end:
        pass


@workload(kind="cpu")
def crash() -> None:
    """End the process, as a segmentation fault would."""
    os._exit(1)


@workload(kind="cpu")
def stay() -> None:
    """Do nothing, in a process also under `hybrid`."""
