"""The application: which routes there are, and what must stand while they do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module

from aiohttp import web

from server.discovery import discover
from server.errors import answering
from server.handlers import FIXED, Cell, Service
from server.models import absent
from server.models import build as build_models
from server.parameters import Parameters
from server.settings import BUILT_IN, Settings
from server.telemetry import LoopLag
from server.workloads import REGISTRY

SERVICE = web.AppKey("service", Service)
DEFAULT_MODEL = "hybrid"


def build(settings: Settings) -> web.Application:
    """Make the application: models, and what workloads need, start and stop with it."""
    for module in BUILT_IN:
        import_module(module)
    why_absent = absent(settings)
    started = [name for name, why in why_absent.items() if why is None]
    built = build_models(started, settings)
    models = {name: built[name] for name in started}
    parameters = {name: Parameters(one.function) for name, one in REGISTRY.items()}
    cells = {
        (name, model): Cell(one, parameters[name], model, models[model])
        for name, one in REGISTRY.items()
        for model in models
    }
    lag = LoopLag()
    impossible = {key: cell.impossible for key, cell in cells.items()}
    discovery = discover(settings, REGISTRY, parameters, why_absent, impossible)
    service = Service(discovery, models, lag)

    async def stand(_app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for need in dict.fromkeys(need for one in REGISTRY.values() for need in one.needs):
                await stack.enter_async_context(need())  # before the workers, which inherit them
            for model in built.values():
                await model.start()
                stack.push_async_callback(model.stop)
            await stack.enter_async_context(lag.watch())
            yield

    app = web.Application()
    app[SERVICE] = service
    app.cleanup_ctx.append(stand)
    for path, name in FIXED.items():
        app.router.add_get(f"/{path}", answering(getattr(service, name)))
    for (name, model), cell in cells.items():
        handle = answering(cell.handle)
        app.router.add_get(f"/{name}/{model}", handle, allow_head=False)
        if model == DEFAULT_MODEL:
            app.router.add_get(f"/{name}", handle, allow_head=False)
    app.router.add_route("*", "/{path:.*}", answering(service.unknown))
    return app
