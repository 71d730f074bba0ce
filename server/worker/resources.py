"""What a worker opens at its first use and closes at its end: a connection, a model, a pool.

    scope="process"   one in each process or sub-interpreter, opened by the first thread to ask
    scope="thread"    one in each thread
    scope="loop"      one on each event loop, opened and closed in a task of its own

    the worker ends ──▶ those of its event loop ──▶ of its thread ──▶ of its process
                        each group in reverse order of opening

A forked child opens its own: it neither uses nor closes what its parent has. Standard library only,
because workers import this; asyncio is imported where it is used, because few workers need it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from server.worker.outcomes import raised

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
CLOSE_S = 1.0  # for all that a worker closes: then it ends without


class CannotOpen(RuntimeError):
    """A resource could not be opened; the message has its name and place, and why."""


class Belongings:
    """What was opened in one place, and how to close it."""

    def __init__(self) -> None:
        self.values: dict[Resource[Any], Any] = {}
        self.loop: asyncio.AbstractEventLoop | None = None  # on which a thread runs coroutines
        self.end_loop: Callable[[], None] | None = None
        self._closers: list[tuple[Resource[Any], Callable[[], object]]] = []
        self._pid = os.getpid()
        _opened.add(self)

    def keep(self, resource: Resource[T], value: T, close: Callable[[], object]) -> T:
        self._closers.append((resource, close))
        self.values[resource] = value
        return value

    def close(self) -> None:
        """Close everything in reverse order; what fails to close is logged."""
        if self.end_loop:
            with suppress(RuntimeError):  # it runs: the process ends from within a coroutine
                self.end_loop()
            self.loop = self.end_loop = None
        while self._closers:
            resource, close = self._closers.pop()
            try:
                close()  # which may use what was opened before it
            except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the worker
                resource.not_closed(error)
            self.values.pop(resource, None)

    def __del__(self) -> None:
        """Close what a thread has opened that the work started: it ends without a word to us."""
        if sys is None or sys.is_finalizing():
            return
        if self._pid == os.getpid():
            self.close()
        else:  # a fork has ended its copy of a thread, whose connections belong to the parent
            _inherited.append(self)


class _Local(threading.local):
    belongings: Belongings | None = None


_opened = weakref.WeakSet[Belongings]()
_inherited: list[object] = []  # never closed, nor collected, which would close it as well
_process = Belongings()
_loops: dict[asyncio.AbstractEventLoop, dict[Resource[Any], _Holder]] = {}
local = _Local()
alone = False  # in a sub-interpreter, which has one thread, and forgets its locals after each call


def here() -> Belongings:
    """Return what this thread has opened."""
    if alone:
        return _process
    mine = local.belongings
    if mine is None:
        mine = local.belongings = Belongings()
    return mine


def in_threads() -> bool:
    """Whether any thread of this process has opened something that it may have to close."""
    return len(_opened) > 1  # the other one is the process itself


def close_thread() -> None:
    """Close what this thread has opened."""
    if mine := local.belongings:
        local.belongings = None
        mine.close()


def close_process() -> None:
    """Close what all threads of this process share."""
    _process.close()


def close_all() -> None:
    """Close everything before this worker, which has one thread, ends."""
    close_thread()
    close_process()


async def close_loop() -> None:
    """Close what was opened on the running event loop, in reverse order."""
    import asyncio  # noqa: PLC0415 - see the top

    holders = _loops.get(asyncio.get_running_loop(), {})
    for resource, holder in reversed([*holders.items()]):
        holder.ending.set()
        await asyncio.wait([holder.task], timeout=CLOSE_S)
        if not holder.task.done():
            resource.not_closed(TimeoutError(f"it took longer than {CLOSE_S:g} s"))
            holder.task.cancel()


def _forget() -> None:
    """Begin as a forked child: keep what the parent has opened from being used, or closed."""
    global _process  # noqa: PLW0603 - one for each process
    _inherited.extend([_process, local.belongings, dict(_loops)])
    local.belongings = None
    _loops.clear()
    _opened.clear()
    _process = Belongings()


os.register_at_fork(after_in_child=_forget)
atexit.register(close_all)  # where nobody else does: in an interpreter, on a cluster elsewhere


class Resource(Generic[T]):
    """Something that a worker opens once: what a context manager gives when it is entered."""

    def __init__(self, manager: Callable[[], Any], place: str) -> None:
        update_wrapper(cast("Callable[[], Any]", self), manager)
        self._manager = manager
        self._name = f"the resource {getattr(manager, '__name__', manager)!r} ({place})"

    def enter(self, belongings: Belongings) -> T:
        """Open it. Raises CannotOpen; the next call tries again."""
        try:
            manager = self._made(AbstractContextManager)
            value: T = manager.__enter__()
        except Exception as error:
            raise self.not_opened(error) from error
        return belongings.keep(self, value, partial(manager.__exit__, None, None, None))

    def _made(self, kind: type[Any]) -> Any:
        manager = self._manager()
        if not isinstance(manager, kind):
            decorator = (
                "contextmanager" if kind is AbstractContextManager else "asynccontextmanager"
            )
            raise TypeError(f"it is not a context manager: write @{decorator} below @resource")
        return manager

    def not_opened(self, error: BaseException) -> CannotOpen:
        return CannotOpen(f"{self._name} cannot be opened: {_reason(error)}")

    def not_closed(self, error: BaseException) -> None:
        import logging  # noqa: PLC0415 - only where it is used

        logging.getLogger("loadbearing").warning(
            "%s was not closed: %s", self._name, _reason(error)
        )


def _reason(error: BaseException) -> str:
    return " ".join(": ".join(filter(None, raised(error))).split())


class ThreadResource(Resource[T]):
    """One in each thread."""

    def __call__(self) -> T:
        mine = here()
        try:
            value: T = mine.values[self]
        except KeyError:
            return self.enter(mine)
        return value


class ProcessResource(Resource[T]):
    """One in each process, opened only once, however many threads ask for it at the same time."""

    def __init__(self, manager: Callable[[], AbstractContextManager[T]], place: str) -> None:
        super().__init__(manager, place)
        self._renew_lock()
        os.register_at_fork(after_in_child=self._renew_lock)  # another thread may have held it

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()  # of its own: while it opens, others can be opened

    def __call__(self) -> T:
        try:
            value: T = _process.values[self]
        except KeyError:
            with self._lock:
                if self in _process.values:
                    return self()
                return self.enter(_process)
        return value


@dataclass(frozen=True, slots=True)
class _Holder:
    """A task that has opened something, and closes it once `ending` is set."""

    task: asyncio.Task[None]
    value: asyncio.Future[Any]
    ending: asyncio.Event


class LoopResource(Resource[T]):
    """One on each event loop: what calls on that loop can share, e.g. a pool of connections."""

    def __call__(self) -> Awaitable[T]:
        """Return an awaitable. Raises CannotOpen at once outside a coroutine."""
        import asyncio  # noqa: PLC0415 - see the top

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            outside = RuntimeError('scope="loop" is for async def; use scope="thread" or "process"')
            raise self.not_opened(outside) from None
        holders = _loops.get(loop)
        if holders is None:
            for other in [other for other in list(_loops) if other.is_closed()]:
                _loops.pop(other, None)
            holders = _loops[loop] = {}
        if self not in holders:
            value, ending = loop.create_future(), asyncio.Event()
            value.add_done_callback(_noticed)
            # Without the context of this call, with which its tasks would end.
            task = _outside_calls(loop.create_task, self._hold(holders, value, ending))
            holders[self] = _Holder(task, value, ending)
        return asyncio.shield(holders[self].value)  # a call that gives up spoils it for no other

    async def _hold(
        self, holders: dict[Resource[Any], _Holder], value: asyncio.Future[T], ending: asyncio.Event
    ) -> None:
        """Open it, and close it when it is time: in one task, as its own task groups require."""
        try:
            async with self._made(AbstractAsyncContextManager) as opened:
                value.set_result(opened)
                await ending.wait()
        except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the event loop
            if not value.done():
                value.set_exception(self.not_opened(error))
            elif ending.is_set() or isinstance(error, Exception):
                self.not_closed(error)
        finally:
            del holders[self]


def _noticed(value: asyncio.Future[Any]) -> None:
    """Keep asyncio from complaining when everyone has given up who waited for it."""
    if not value.cancelled():
        value.exception()


def _outside_calls(call: Callable[..., T], *positional: Any) -> T:
    from contextvars import Context  # noqa: PLC0415 - see the top

    return Context().run(call, *positional)
