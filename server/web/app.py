"""The application: its routes, and what starts and stops with it."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from importlib import import_module

from aiohttp import web

from server.catalogue.parameters import Parameters
from server.errors import log
from server.models.base import Model
from server.models.selection import absent
from server.models.selection import build as build_models
from server.settings import BUILT_IN, PREFIX, Settings
from server.telemetry.board import Board, Place
from server.telemetry.counts import Counts
from server.telemetry.publisher import Vitals
from server.web.answering import DRAIN, Drain, answering
from server.web.connection import expect
from server.web.discovery import discover
from server.web.door import Door
from server.web.handlers import FIXED, Cell, Service
from server.web.openapi import document
from server.web.page import PAGE, read
from server.worker.outcomes import raised
from server.worker.serving import serving
from server.workloads.registry import REGISTRY, Need, Unavailable, place

DEFAULT_MODEL = "hybrid"
COSTLY = {"events"}  # paths of the service that keep something for each client


def build(settings: Settings, place: Place | None = None) -> web.Application:
    """Make the application; models, and what workloads need, start and stop with it.

    It publishes its vital signs at its place, beside the other event loops of the same service.
    """
    for module in BUILT_IN:
        import_module(module)
    why_absent = absent(settings)
    started = [name for name, why in why_absent.items() if why is None]
    built = build_models(started, settings)
    models = {name: built[name] for name in started}
    parameters = {name: Parameters(workload.function) for name, workload in REGISTRY.items()}
    counts = Counts(((name, model) for name in REGISTRY for model in models), models)
    cells = {
        (name, model): Cell(workload, parameters[name], model, models[model], counts.stages[model])
        for name, workload in REGISTRY.items()
        for model in models
    }
    # A model that is made of others has no workers of its own.
    parts = {name: part for name, part in built.items() if name in models or part.gauges()}
    vitals = Vitals(place or Place(Board(1)), parts, counts)
    impossible = {key: cell.impossible for key, cell in cells.items()}
    discovery = discover(settings, REGISTRY, parameters, why_absent, impossible)
    describe = partial(document, REGISTRY, parameters, impossible, DEFAULT_MODEL)
    page = read()
    service = Service(discovery, describe, models, vitals, page)

    async def stand(_app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for name, why in (await _enter_needs(stack, settings)).items():
                withheld = discovery.workloads[name].models
                discovery.workloads[name].impossible.update(dict.fromkeys(withheld, why))
                for model in withheld:
                    cells[name, model].impossible = impossible[name, model] = why
                withheld.clear()
            await stack.enter_async_context(serving())
            for group in _groups(built.values(), settings.start_method):
                await _start(group, stack)
            await stack.enter_async_context(vitals.published())
            service.begin()
            yield

    app = web.Application()
    app.cleanup_ctx.append(stand)
    app[DRAIN] = drain = Drain(vitals.activity)
    app.on_shutdown.extend([service.drain, drain.begin])
    door = Door(settings.host, settings.allow_host)
    add = partial(app.router.add_get, expect_handler=expect)
    for path, name in FIXED.items():
        check = door.work if name in COSTLY else door.name
        add(f"/{path}", answering(getattr(service, name), check, drain))
    for name, file in page.files.items():
        add(f"/{PAGE}/{name}", answering(file.answer, door.name, drain))
    for (name, model), cell in cells.items():
        handle = answering(cell.handle, door.work, drain, counts.statuses[name, model])
        add(f"/{name}/{model}", handle, allow_head=False)
        if model == DEFAULT_MODEL:
            add(f"/{name}", handle, allow_head=False)
    unknown = answering(service.unknown, door.name, drain)
    app.router.add_route("*", "/{path:(?s:.*)}", unknown, expect_handler=expect)
    return app


async def _enter_needs(stack: AsyncExitStack, settings: Settings) -> dict[str, str]:
    """Start what workloads need, before the workers, which inherit it.

    Returns which workloads cannot run because it fails, and why; all others do.
    """
    if settings.postgres:  # workloads read it in whatever process they run
        os.environ[f"{PREFIX}POSTGRES"] = settings.postgres
    failed: dict[str, str] = {}
    for need in dict.fromkeys(need for workload in REGISTRY.values() for need in workload.needs):
        try:
            await stack.enter_async_context(_manager(need))
        except Unavailable as error:
            names = [name for name, workload in REGISTRY.items() if need in workload.needs]
            failed.update(dict.fromkeys(names, str(error)))
        except Exception as error:  # noqa: BLE001 - a need is code of the user
            why = " ".join(": ".join(raised(error)).split())
            names = [name for name, workload in REGISTRY.items() if need in workload.needs]
            log.warning("%s cannot run: %s", " and ".join(names), why)
            failed.update(dict.fromkeys(names, why))
    return failed


def _manager(need: Need) -> AbstractAsyncContextManager[object]:
    """Call a need, and return what to enter. Raises TypeError if that cannot be entered."""
    manager = need()
    if {"__aenter__", "__aexit__"} <= {*dir(type(manager))}:
        return manager
    if inspect.iscoroutine(manager):
        manager.close()  # else Python complains that nothing awaited it
    function = inspect.unwrap(getattr(need, "func", need))
    name = getattr(function, "__name__", "a need")
    where = f"{place(function)}: {name}" if inspect.isfunction(function) else name
    raise TypeError(
        f"{where} returned {type(manager).__name__}, not an asynchronous context manager; write "
        "@asynccontextmanager above an async def"
    )


def _groups(models: Iterable[Model], start_method: str) -> list[list[Model]]:
    """Say which models start together: under fork none, because it copies locks of other starts."""
    return [[model] for model in models] if start_method == "fork" else [list(models)]


async def _start(models: Sequence[Model], stack: AsyncExitStack) -> None:
    """Start models together; those that have started are stopped later, even if another fails."""
    outcomes = await asyncio.gather(*(model.start() for model in models), return_exceptions=True)
    for model, failure in zip(models, outcomes, strict=True):
        if failure is None:
            stack.push_async_callback(model.stop)
    for failure in filter(None, outcomes):
        raise failure
