"""Start workers that do nothing, and print as JSON how many microseconds each kind took.

A script of its own, in the standard library alone: children that load their parent's main module
would else load this whole project, and that would be measured.
"""

import json
import multiprocessing
import sys
import threading
from pathlib import Path
from statistics import median
from time import perf_counter

TIMES = {"thread": 300, "fork": 30, "forkserver": 15, "spawn": 7, "interpreter": 15}
FAST = 3


def nothing() -> None:
    pass


def thread() -> None:
    one = threading.Thread(target=nothing)
    one.start()
    one.join()


def process(method: str) -> None:
    one = multiprocessing.get_context(method).Process(target=nothing)  # type: ignore[attr-defined]  # by name
    one.start()
    one.join()


def interpreter() -> None:
    from concurrent import interpreters  # type: ignore[attr-defined]  # noqa: PLC0415 - 3.14

    one = interpreters.create()
    one.exec("pass")
    one.close()


def took_us(kind: str, times: int) -> float:
    """Take the median of some starts, each with its end; the first one only warms up."""
    took = []
    for _ in range(times + 1):
        begun = perf_counter()
        if kind == "thread":
            thread()
        elif kind == "interpreter":
            interpreter()
        else:
            process(kind)
        took.append(1e6 * (perf_counter() - begun))
    return median(took[1:])


def interpreter_mib(number: int = 8) -> float | None:
    """How much memory one idle interpreter takes (Linux only)."""
    from concurrent import interpreters  # type: ignore[attr-defined]  # noqa: PLC0415 - 3.14

    before = _resident_mib()
    kept = [interpreters.create() for _ in range(number)]
    after = _resident_mib()
    for one in kept:
        one.close()
    return None if before is None or after is None else (after - before) / number


def _resident_mib() -> float | None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):
        return None
    return pages * 4096 / 2**20


def main() -> None:
    kinds = ["thread", *(one for one in TIMES if one in multiprocessing.get_all_start_methods())]
    found: dict[str, float | None] = {}
    if sys.version_info >= (3, 14):
        kinds.append("interpreter")
        found["interpreter_mib"] = interpreter_mib()
    for kind in kinds:
        found[kind] = took_us(kind, FAST if "fast" in sys.argv else TIMES[kind])
    print(json.dumps(found))  # noqa: T201 - printing is its purpose


if __name__ == "__main__":
    main()
