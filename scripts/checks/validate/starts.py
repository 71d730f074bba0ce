"""Start workers that do nothing, and print the microseconds of each kind as JSON.

A script that uses only the standard library, because children load their parent's main module:
otherwise loading this project would be measured too.
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
    worker = threading.Thread(target=nothing)
    worker.start()
    worker.join()


def process(method: str) -> None:
    context = multiprocessing.get_context(method)
    worker = context.Process(target=nothing)  # type: ignore[attr-defined]  # by name
    worker.start()
    worker.join()


def interpreter() -> None:
    from concurrent import interpreters  # type: ignore[attr-defined]  # noqa: PLC0415 - 3.14

    worker = interpreters.create()
    worker.exec("pass")
    worker.close()


def took_us(kind: str, times: int) -> float:
    """Return the median time of a start and end; the first one only warms up."""
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
    """Measure the memory of one idle interpreter, in MiB (Linux only)."""
    from concurrent import interpreters  # type: ignore[attr-defined]  # noqa: PLC0415 - 3.14

    before = _resident_mib()
    kept = [interpreters.create() for _ in range(number)]
    after = _resident_mib()
    for worker in kept:
        worker.close()
    return None if before is None or after is None else (after - before) / number


def _resident_mib() -> float | None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):
        return None
    return pages * 4096 / 2**20


def main() -> None:
    kinds = ["thread", *(kind for kind in TIMES if kind in multiprocessing.get_all_start_methods())]
    results: dict[str, float | None] = {}
    if sys.version_info >= (3, 14):
        kinds.append("interpreter")
        results["interpreter_mib"] = interpreter_mib()
    for kind in kinds:
        results[kind] = took_us(kind, FAST if "fast" in sys.argv else TIMES[kind])
    print(json.dumps(results))  # noqa: T201 - printing is its purpose


if __name__ == "__main__":
    main()
