"""Work that does odd things to its process: for `--workloads`. `how` chooses the oddity."""

import asyncio
import atexit
import ctypes
import gc
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from server.workloads import native, workload

with suppress(ImportError):
    import numpy  # type: ignore[import-not-found]  # so that fork servers have it before they fork

LONG_S = 3600
SLEEP = ["sleep", str(LONG_S)]
PRINTED = 300_000  # characters: more than any pipe holds
CROWD = 100  # more than the default executor has threads
_kept: list[Any] = []


def _overflow() -> None:
    """Overflow the stack of the thread: each turn goes through C."""
    sys.setrecursionlimit(10**9)

    def turn(_: object) -> int:
        return min([1, 2], key=turn)

    turn(0)


def _exhaust() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (0, 0))
    _spin()


def _alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    time.sleep(LONG_S)


DEATHS: dict[str, Callable[[], object]] = {
    "exit": lambda: os._exit(0),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "stack": _overflow,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "group": lambda: os.killpg(0, signal.SIGKILL),
    "alarm": _alarm,
    "limit": _exhaust,
}
Death = Literal["exit", "segfault", "abort", "stack", "kill", "group", "alarm", "limit"]


@workload(kind="cpu")
def perish(how: Death = "exit") -> None:
    """End the process without a word to Python."""
    DEATHS[how]()


@workload(kind="cpu")
def halt() -> None:
    """Stop the process, as a debugger does."""
    os.kill(os.getpid(), signal.SIGSTOP)


@workload(kind="cpu")
def close_all() -> None:
    """Close all descriptors but the standard ones."""
    os.closerange(3, 100)


@workload(kind="cpu")
def print_much() -> str:
    """Print more than a pipe holds, everywhere; then read input."""
    print("x" * PRINTED)  # noqa: T201 - odd indeed
    print("x" * PRINTED, file=sys.stderr)  # noqa: T201 - likewise
    os.write(1, b"x" * PRINTED + b"\n")
    return sys.stdin.read() + os.read(0, 1).decode()


def _raise(*_: object) -> None:
    raise ArithmeticError("alarm")


def _handle(handler: Any, *numbers: signal.Signals) -> None:
    for number in numbers:
        signal.signal(number, handler)


def _wake_often() -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)


def _move_away() -> None:
    folder = Path(f"/tmp/odd-{os.getpid()}-{threading.get_ident()}")
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()


def _stop_clocks() -> None:
    time.monotonic = time.time = time.perf_counter = lambda: 0.0


def _close_streams() -> None:
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.close()


CHANGES: dict[str, Callable[[], object]] = {
    "folder": _move_away,
    "umask": lambda: os.umask(0o777),
    "deaf": lambda: _handle(signal.SIG_IGN, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD),
    "touchy": lambda: _handle(_raise, signal.SIGTERM, signal.SIGINT),
    "mask": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()),
    "alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 0.02),
    "alarms": _wake_often,
    "recursion": lambda: sys.setrecursionlimit(80),
    "switch": lambda: sys.setswitchinterval(100),
    "clock": _stop_clocks,
    "silence": lambda: vars(sys).update(stdout=None, stderr=None, stdin=None),
    "streams": _close_streams,
    "warnings": lambda: warnings.simplefilter("error"),
    "gc": gc.disable,
    "environment": os.environ.clear,
    "descriptors": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    "seed": lambda: random.seed(1),
    "hooks": lambda: vars(sys).update(excepthook=_raise, unraisablehook=_raise),
    "nice": lambda: os.nice(1),
    "input": lambda: os.close(0),
}


@workload(kind="cpu")
def change(how: str = "folder") -> str:
    """Change what belongs to the whole process, and leave it so."""
    CHANGES[how]()
    return "changed"


def _fork(then: Callable[[], object]) -> str:
    if os.fork() == 0:
        then()
        return "child"
    return "parent"


def _sleep() -> None:
    time.sleep(LONG_S)


def _die_beside_a_child() -> None:
    _fork(_sleep)
    os._exit(1)


def _daemon() -> str:
    """As daemons do: fork, start a session, fork again."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return "parent"
    os.setsid()
    if os.fork():
        os._exit(0)
    _sleep()
    os._exit(0)


def _pool() -> list[int]:
    with multiprocessing.Pool(2) as pool:
        return pool.map(abs, [-1, -2])


def _executor() -> list[int]:
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(abs, [-1, -2]))


def _process() -> int | None:
    child = multiprocessing.Process(target=abs, args=(-1,))
    child.start()
    child.join()
    return child.exitcode


def _open_pool() -> int:
    pool = multiprocessing.Pool(2)
    _kept.append(pool)
    return pool.map(abs, [-1])[0]


def _open_executor() -> int:
    pool = ProcessPoolExecutor(2)
    _kept.append(pool)
    return pool.submit(abs, -1).result()


def _spin() -> None:
    while True:
        pass


def _program(**options: Any) -> None:
    _kept.append(subprocess.Popen(SLEEP, **options))


def _loop() -> None:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever).start()
    _kept.append(loop)


STARTS: dict[str, Callable[[], object]] = {
    "copy": lambda: _fork(lambda: None),
    "leaving copy": lambda: _fork(sys.exit),
    "failing copy": lambda: _fork(_raise),
    "child": lambda: _fork(_sleep),
    "orphan": _die_beside_a_child,
    "daemon": _daemon,
    "program": _program,
    "session": lambda: _program(start_new_session=True),
    "wait": lambda: subprocess.run(SLEEP, check=False),
    "wait for a session": lambda: subprocess.run(SLEEP, check=False, start_new_session=True),
    "shell": lambda: os.system("sleep 3600 & sleep 3600"),
    "pool": _pool,
    "executor": _executor,
    "process": _process,
    "open pool": _open_pool,
    "open executor": _open_executor,
    "manager": lambda: _kept.append(multiprocessing.Manager()),
    "thread": lambda: threading.Thread(target=_sleep).start(),
    "threads": lambda: _kept.append(ThreadPoolExecutor(1).submit(_sleep)),
    "exit handler": lambda: bool(atexit.register(_sleep)),
    "loop": _loop,
}


@workload(kind="cpu")
def start(how: str = "copy") -> Any:
    """Start processes or threads, and leave them running."""
    return STARTS[how]()


@workload(kind="cpu")
def draw() -> list[float]:
    """Draw a number from each global generator."""
    own = random.random()
    return [own, float(numpy.random.random())] if "numpy" in globals() else [own]


@workload(kind="io")
def crowd() -> None:
    """Fill the executor of the event loop; only as a twin."""


@native(crowd)
async def crowd_natively() -> None:
    _kept.extend(asyncio.create_task(asyncio.to_thread(_sleep)) for _ in range(CROWD))
    await asyncio.sleep(0)
