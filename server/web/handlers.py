"""What the routes do: parse the request, call the model, write the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from aiohttp import web
from pydantic_core import to_json

from server.catalogue.parameters import Parameters
from server.errors import BadRequest, CannotRun, NotAllowed, NotFound, WorkFailed, did_you_mean
from server.models.base import Model, Work
from server.models.selection import NOT_STARTED
from server.tables import MODELS
from server.telemetry.counts import Stages
from server.telemetry.publisher import Vitals
from server.web.answers import Discovery
from server.web.events import Events
from server.web.page import PAGE, Page
from server.worker.errands import in_own_thread
from server.worker.outcomes import raised
from server.worker.timeline import Timeline
from server.workloads.registry import Workload

RANGE = re.compile(r"\s*([^\s;,/]+)/([^\s;,/]+)\s*((?:;[^;]*)*)")
QUALITY = re.compile(r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?=;|$)", re.IGNORECASE)
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


def encode(result: Any) -> str:
    """Write a result as JSON, bytes as their length. Raises WorkFailed if it is not plain data."""
    if isinstance(result, bytes):
        result = {"bytes": len(result)}
    try:
        return to_json(result, inf_nan_mode="null").decode()
    except BaseException as error:  # noqa: BLE001 - a result may run code of its own
        kind, text = raised(error)
        raise WorkFailed(f"the result is not JSON: {text or kind}", "Return plain data.") from None


@lru_cache(1024)
def _quoted(name: str) -> str:
    return encode(name)


class Cell:
    """One workload under one model."""

    def __init__(
        self, workload: Workload, parameters: Parameters, name: str, model: Model, stages: Stages
    ) -> None:
        self.work = Work(workload.function, workload.native, workload.stages)
        self.impossible = model.impossible(self.work)
        self._model = model
        self._read = parameters.read
        self._stages = stages
        self._head = f'{{\n  "workload": "{workload.name}", "model": "{name}", "result": '

    async def handle(self, request: web.Request) -> web.Response:
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
        body = (
            f'{self._head}{encode(result)},\n  "worker": {{"pid": {timeline.pid}, "thread": '
            f'{_quoted(timeline.thread)}}},\n  "ms": {stages}\n}}\n'
        )
        headers = {"Content-Type": "application/json", "Server-Timing": server_timing}
        return web.Response(body=body.encode(), headers=headers)


def indented(document: Mapping[str, Any]) -> bytes:
    """Write a document as JSON that people can read, too."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


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
        self._index = indented(discovery.model_dump(exclude_unset=True))
        self._openapi = cache(lambda: indented(describe()))
        self._workloads = discovery.workloads
        self._absent = {name: model.why for name, model in discovery.models.items()}
        self._models = models
        self._runtime = discovery.runtime.model_dump()
        self._vitals = vitals
        self._page = page
        self._events = Events(vitals.stats)
        self.draining = False

    async def index(self, request: web.Request) -> web.Response:
        """Answer a browser with the live page, and everyone else with discovery."""
        if prefers_html(",".join(request.headers.getall("Accept", ()))):
            response = await self._page.index.answer(request)
        else:
            response = web.Response(body=self._index, content_type="application/json")
        response.headers["Vary"] = "Accept"
        return response

    async def openapi(self, _request: web.Request) -> web.Response:
        """Describe all paths; made on the first request, without blocking the event loop."""
        body = await in_own_thread(self._openapi)
        return web.Response(body=body, content_type="application/json")

    async def health(self, _request: web.Request) -> web.Response:
        return web.Response(body=b'{"status": "ok"}\n', content_type="application/json")

    async def ready(self, _request: web.Request) -> web.Response:
        if self.draining:
            return web.json_response({"status": "draining"}, status=503)
        return web.Response(body=b'{"status": "ready"}\n', content_type="application/json")

    async def stats(self, _request: web.Request) -> web.Response:
        body = indented(await self._vitals.stats())
        return web.Response(body=body, content_type="application/json")

    async def events(self, request: web.Request) -> web.StreamResponse:
        return await self._events.serve(request)

    async def metrics(self, request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")
        body, content_type = await self._vitals.metrics(self._runtime, accept)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def drain(self, app: web.Application) -> None:
        self.draining = True
        await self._events.end(app)

    async def unknown(self, request: web.Request) -> web.Response:
        """Explain what is wrong with a path or a method that has no route."""
        path = request.path.strip("/")
        name, _, model = path.partition("/")
        if (name in FIXED and not model) or (name == PAGE and model in self._page.files):
            raise _misdirected(request, f"/{path}", "GET", "HEAD")
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


def prefers_html(accept: str) -> bool:
    """Distinguish a browser, which asks for HTML, from curl and other programs by its `Accept`.

    This follows RFC 9110, 12.5.1. A range that cannot be parsed is ignored.
    """
    ranges = dict(filter(None, map(_parse, accept.split(","))))

    def quality(kind: str, detail: str) -> float:
        names = (f"{kind}/{detail}", f"{kind}/*", "*/*")  # the most specific one decides
        return next((ranges[name] for name in names if name in ranges), 0.0)

    return quality("text", "html") > quality("application", "json")


def _parse(text: str) -> tuple[str, float] | None:
    parts = RANGE.fullmatch(text)
    if parts is None:
        return None
    kind, detail, more = parts.groups()
    quality = QUALITY.search(more)
    return f"{kind}/{detail}".lower(), float(quality[1]) if quality else 1.0


def _misdirected(request: web.Request, path: str, *allowed: str) -> NotAllowed | NotFound:
    """Distinguish a wrong method from a path with a slash too many."""
    if request.method in allowed:
        return NotFound(f"unknown path {request.rel_url.raw_path!r}", f"Did you mean {path!r}?")
    return NotAllowed(request.method, path, *allowed)
