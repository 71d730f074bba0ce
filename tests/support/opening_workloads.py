"""Workloads with a resource of each scope, which note what they open and close: `--workloads`."""

import asyncio
import multiprocessing
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from server.workloads import resource, workload
from tests.support.faulty_workloads import GATE

FORK = multiprocessing.get_context("fork")


def notes() -> Path:
    return Path(os.environ[GATE]).with_name("notes")


def broken() -> Path:
    """While it exists, nothing can be opened."""
    return Path(os.environ[GATE]).with_name("broken")


def note(what: str, scope: str) -> None:
    thread = threading.get_ident() if scope in {"thread", "loop"} else 0
    with notes().open("ab", buffering=0) as file:
        file.write(f"{what} {scope} {os.getpid()} {thread}\n".encode())


@resource(scope="process")
@contextmanager
def model() -> Iterator[list[str]]:
    if broken().exists():
        raise FileNotFoundError("no weights")
    time.sleep(0.01)  # so that others ask meanwhile
    note("open", "process")
    yield []
    note("close", "process")


@resource(scope="process")
@contextmanager
def second_model() -> Iterator[None]:
    model()
    note("open", "second")
    yield
    note("close", "second")


@resource(scope="thread")
@contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    second_model()
    note("open", "thread")
    database = sqlite3.connect(":memory:")
    yield database
    database.close()  # which only its own thread may do
    note("close", "thread")


@resource(scope="loop")
@asynccontextmanager
async def pool() -> AsyncIterator[asyncio.Task[None]]:
    if broken().exists():
        raise ConnectionRefusedError("no database")
    async with asyncio.TaskGroup() as group:  # which has to end in the task that it began in
        keeper = group.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0)
        note("open", "loop")
        yield keeper
        keeper.cancel()
        note("close", "loop")


@resource(scope="process")
@contextmanager
def unwilling() -> Iterator[None]:
    yield
    raise ConnectionResetError("gone\nalready")


@resource(scope="process")
@contextmanager
def endless() -> Iterator[None]:
    yield
    time.sleep(3600)


@workload(kind="io")
def select() -> list[Any]:
    """Use what the worker has."""
    return [*connection().execute("SELECT 1").fetchone(), id(model()), id(connection())]


@workload(kind="io")
async def select_async() -> list[Any]:
    keepers = await asyncio.gather(*(pool() for _ in range(3)))
    assert len({*keepers}) == 1
    assert not keepers[0].done(), "it outlives the call in which it was opened"
    return select()


@workload(kind="cpu")
def close_badly() -> None:
    unwilling()


@workload(kind="cpu")
def close_never() -> None:
    endless()


@workload(kind="io")
def misuse() -> None:
    pool()


def _ask(answers: Any) -> None:
    answers.put(select())


@workload(kind="cpu")
def ask_child() -> bool:
    """Whether a child that the work forks has its own resources."""
    answers = FORK.SimpleQueue()
    mine = connection()
    child = FORK.Process(target=_ask, args=(answers,))
    child.start()
    theirs = answers.get()
    child.join()
    return bool(theirs[2] != id(mine))


@workload(kind="io")
def in_new_thread() -> None:
    """Use a connection in a thread that ends."""
    thread = threading.Thread(target=connection)
    thread.start()
    thread.join()
