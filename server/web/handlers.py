"""What the routes do: parse the request, call the model, write the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from aiohttp import web
from pydantic_core import to_json

from server.catalogue.parameters import Parameters
from server.errors import BadRequest, CannotRun, NotAllowed, NotFound, did_you_mean
from server.models.base import Model, Work, failed
from server.models.selection import NOT_STARTED
from server.tables import MODELS
from server.telemetry.counts import Stages
from server.telemetry.publisher import Vitals
from server.web.answers import Discovery
from server.web.events import Events
from server.web.fixed import Fixed
from server.web.negotiation import prefers, takes_gzip
from server.web.page import PAGE, Page
from server.web.work_answer import JSON, WorkAnswer
from server.worker.coroutines import plain
from server.worker.errands import in_own_thread
from server.worker.results import BUFFERS, Written, not_json
from server.worker.timeline import Timeline
from server.workloads.registry import Workload

LISTED = "GET / lists which models run which workload."
# The paths of the service itself, and the method of Service behind each.
FIXED = {
    "": "index",
    "health": "health",
    "ready": "ready",
    "stats": "stats",
    "events": "events",
    "metrics": "metrics",
    "openapi.json": "openapi",
}


def encode(result: Any) -> bytes:
    """Write a result as JSON, bytes as their length. Raises WorkFailed if it is not plain data."""
    if isinstance(result, Written):
        return result
    try:
        if isinstance(result, BUFFERS):
            result = {"bytes": memoryview(result).nbytes}
        return to_json(result, inf_nan_mode="null")
    except BaseException as error:  # noqa: BLE001 - whatever it is, only this request fails
        raise failed(*not_json(error)) from None


@lru_cache(1024)
def _quoted(name: str) -> str:
    return encode(name).decode()


class Cell:
    """One workload under one model."""

    def __init__(
        self, workload: Workload, parameters: Parameters, name: str, model: Model, stages: Stages
    ) -> None:
        self.work = Work(
            plain(workload.function),
            workload.native,
            tuple((kind, plain(stage)) for kind, stage in workload.stages),
        )
        self.impossible = workload.cannot.get(name) or model.impossible(self.work)
        self._model = model
        self._read = parameters.read
        self._stages = stages
        self._head = f'{{\n  "workload": "{workload.name}", "model": "{name}", "result": '.encode()

    async def handle(self, request: web.Request) -> WorkAnswer:
        """Run the work once and answer with its result, its worker and its stamps."""
        timeline = Timeline()
        if request.body_exists:
            raise BadRequest("GET takes no body", "Put parameters into the query: ?name=value")
        arguments = self._read(request.rel_url.raw_query_string)
        if self.impossible:
            raise CannotRun(f"this cannot run: {self.impossible}", LISTED)
        result = await self._model.run(self.work, arguments, timeline)
        timeline.close()
        self._stages.add(timeline)
        stages, server_timing = timeline.shown()
        tail = (
            f',\n  "worker": {{"pid": {timeline.pid}, "thread": {_quoted(timeline.thread)}}},\n'
            f'  "ms": {stages}\n}}\n'
        )
        body = b"%b%b%b" % (self._head, encode(result), tail.encode())
        return WorkAnswer(body, server_timing)


def indented(document: Mapping[str, Any]) -> bytes:
    """Write a document as JSON that people can read, too."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _compressed(body: bytes) -> Fixed:
    document = Fixed(body, JSON)
    len(document.compressed)
    return document


class Service:
    """Everything that is not a cell: discovery, health, statistics, and unknown paths."""

    def __init__(
        self,
        discovery: Discovery,
        describe: Callable[[], Mapping[str, Any]],
        models: Mapping[str, Model],
        vitals: Vitals,
        page: Page,
    ) -> None:
        self._discovery = discovery
        self._index: Fixed
        self._openapi = cache(lambda: _compressed(indented(describe())))
        self._workloads = discovery.workloads
        self._absent = {name: model.why for name, model in discovery.models.items()}
        self._models = models
        self._runtime = discovery.runtime.model_dump()
        self._vitals = vitals
        self._page = page
        self._events = Events(vitals.stats)
        self.draining = False

    def begin(self) -> None:
        """Write discovery, now that it is known what can run."""
        self._index = Fixed(indented(self._discovery.model_dump(exclude_unset=True)), JSON)

    async def index(self, request: web.Request) -> web.Response:
        """Answer a browser with the live page, and everyone else with discovery."""
        html = prefers(request, "text/html", "application/json")
        response = await (self._page.index if html else self._index).answer(request)
        response.headers["Vary"] = "Accept, Accept-Encoding"
        return response

    async def openapi(self, request: web.Request) -> web.Response:
        """Describe all paths; made on the first request, without blocking the event loop."""
        return await (await in_own_thread(self._openapi)).answer(request)

    async def health(self, _request: web.Request) -> web.Response:
        return web.Response(body=b'{"status": "ok"}\n', headers=JSON)

    async def ready(self, _request: web.Request) -> web.Response:
        if self.draining:
            return web.Response(body=b'{"status": "draining"}\n', status=503, headers=JSON)
        return web.Response(body=b'{"status": "ready"}\n', headers=JSON)

    async def stats(self, _request: web.Request) -> web.Response:
        return web.Response(body=indented(await self._vitals.stats()), headers=JSON)

    async def events(self, request: web.Request) -> web.StreamResponse:
        return await self._events.serve(request)

    async def metrics(self, request: web.Request) -> web.Response:
        compressed = takes_gzip(request)
        body, content_type = await self._vitals.metrics(
            self._runtime,
            openmetrics=prefers(request, "application/openmetrics-text", "text/plain"),
            compressed=compressed,
        )
        coding = {"Content-Encoding": "gzip"} if compressed else {}
        kind = {**JSON, "Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        return web.Response(body=body, headers=kind | coding)

    async def drain(self, app: web.Application) -> None:
        self.draining = True
        await self._events.end(app)

    async def unknown(self, request: web.Request) -> web.Response:
        """Explain what is wrong with a path or a method that has no route."""
        path = request.path.strip("/")
        name, _, model = path.partition("/")
        if (name in FIXED and not model) or (name == PAGE and model in self._page.files):
            raise _misdirected(request, f"/{path}", "GET", "HEAD")
        if name == PAGE:
            raise NotFound(f"unknown file of the page {model!r}", "The page itself is at /.")
        if name not in self._workloads:
            others = () if model else filter(None, FIXED)
            hint = did_you_mean(name, self._workloads, others)
            raise NotFound(f"unknown workload {name!r}", hint)
        if model and model not in MODELS:
            raise NotFound(f"unknown model {model!r}", did_you_mean(model, MODELS))
        model = model or "hybrid"
        if model in self._models:
            raise _misdirected(request, f"/{path}", "GET")
        why = self._absent[model] or ""
        hint = LISTED
        if path == name and self._models:  # the request left the model to the server
            hint = f"Choose a model that is available: /{name}/{next(iter(self._models))}"
        if why.startswith(NOT_STARTED):
            remedy = why.removeprefix(NOT_STARTED)
            raise CannotRun(f"the model {model!r} is not started; {remedy}", hint)
        raise CannotRun(f"the model {model!r} is not available: {why}", hint)


def _misdirected(request: web.Request, path: str, *allowed: str) -> NotAllowed | NotFound:
    """Distinguish a wrong method from a path with a slash too many."""
    if request.method in allowed:
        return NotFound(f"unknown path {request.rel_url.raw_path!r}", f"Did you mean {path!r}?")
    return NotAllowed(request.method, path, *allowed)
