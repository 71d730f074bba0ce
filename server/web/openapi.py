"""The OpenAPI document: what every path takes and answers, for programs that read before they ask.

Whatever the signature of a workload says is taken from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import FloatSchema

from server.catalogue.parameters import Parameter, Parameters
from server.errors import (
    BadParameter,
    BadRequest,
    Expired,
    Forbidden,
    Refused,
    ServerError,
    WorkFailed,
)
from server.models.selection import load
from server.web import answers
from server.web.handlers import FIXED
from server.workloads.registry import Workload

Json = dict[str, Any]

ABOUT = (
    "The same work under every concurrency model: `GET /{workload}/{model}` runs it and says "
    "where the time went. Workloads accept only GET, paths of the service GET and HEAD; any other "
    "method gets 405 with `Allow`. Every error says what is wrong, why, and what to do."
)
ERRORS: dict[type[ServerError], str] = {
    BadRequest: "A parameter that is unknown or was given twice, or a body.",
    Forbidden: "A web page of another site, or a `Host` that is not a name of the server.",
    BadParameter: "A value of the wrong type or out of bounds.",
    WorkFailed: "The work raised an exception, or its worker died.",
    Refused: "Too many requests are waiting for the model.",
    Expired: "The deadline passed while the request waited or ran.",
}
SERVER_TIMING: Json = {
    "required": True,
    "description": "The same stages, for the network panel of a browser.",
    "schema": {"type": "string", "pattern": r"^[a-z]+;dur=[0-9.]+(, [a-z]+;dur=[0-9.]+)*$"},
    "example": "queued;dur=0.412, started;dur=0.305, ran;dur=11.934, cpu;dur=11.802, "
    "resumed;dur=0.187, total;dur=12.838",
}


def ref(section: str, name: str) -> Json:
    """Point to a component of the document."""
    return {"$ref": f"#/components/{section}/{name}"}


def written(shape: str | Json) -> Json:
    """Describe content that is written as JSON."""
    schema = ref("schemas", shape) if isinstance(shape, str) else shape
    return {"application/json": {"schema": schema}}


def _ok(content: Json) -> Json:
    return {"200": {"description": "The requested information.", "content": content}}


TEXT: Json = {"schema": {"type": "string"}}
# What each method of the service is for, and what it answers.
SERVICE: dict[str, tuple[str, Json]] = {
    "index": (
        "Models, workloads with their parameters, options and the runtime; for a browser, the "
        "live page.",
        _ok({**written("Discovery"), "text/html": TEXT}),
    ),
    "health": ("Answers at once from the event loop.", _ok(written("Status"))),
    "ready": (
        "Whether the server accepts work.",
        {
            **_ok(written("Status")),
            "503": {
                "description": "The server is starting or draining.",
                "content": written("Status"),
            },
        },
    ),
    "stats": (
        "Loop lag, what each model is doing and has done, and what each process consumes.",
        _ok(written("Statistics")),
    ),
    "events": (
        "The same once a second, as server-sent events; and ten times a second a `beat` with the "
        "clock of the event loop that serves the stream: it stops while that loop is blocked.",
        {
            "200": {
                "description": "A stream without end.",
                "content": {"text/event-stream": TEXT},
            },
            "503": {
                "description": "There are too many listeners already, or the server is draining.",
                "content": written("Error"),
            },
        },
    ),
    "metrics": ("The statistics for Prometheus.", _ok({"text/plain": TEXT})),
    "openapi": ("This document.", _ok(written({"type": "object"}))),
}


def document(
    workloads: Mapping[str, Workload],
    parameters: Mapping[str, Parameters],
    impossible: Mapping[tuple[str, str], str | None],
    default: str,
) -> Json:
    """Describe, in OpenAPI 3.1, the paths of the service and every cell that can run.

    `impossible` has for each started cell the reason why it cannot run, or None; `default` is the
    model of the paths that name none.
    """
    paths = {f"/{path}": _fixed(name, *SERVICE[name]) for path, name in FIXED.items()}
    for (name, model), why in impossible.items():
        if why:
            continue
        cell = _cell(workloads[name], parameters[name], model)
        paths[f"/{name}/{model}"] = {"get": {"operationId": f"{name}-{model}", **cell}}
        if model == default:
            paths[f"/{name}"] = {"get": {"operationId": name, **cell}}
    schemas = _schemas()
    results = {
        f"{name}.answer": _answer(schemas["Answer"], workload)
        for name, workload in workloads.items()
    }
    described = {
        f"{name}.{parameter.name}": _parameter(parameter)
        for name, taken in parameters.items()
        for parameter in taken.all.values()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "loadbearing", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "service", "description": "What the service says about itself."},
            *({"name": name, "description": workload.doc} for name, workload in workloads.items()),
        ],
        "paths": paths,
        "components": {
            "schemas": schemas | results,
            "parameters": described,
            "headers": {"Server-Timing": SERVER_TIMING},
            "responses": {kind.__name__: _error(kind, why) for kind, why in ERRORS.items()},
        },
    }


def _fixed(name: str, summary: str, responses: Json) -> Json:
    shared = {"summary": summary, "tags": ["service"]}
    heads = {code: {"description": answer["description"]} for code, answer in responses.items()}
    forbidden = str(Forbidden.status)
    return {
        "get": {
            "operationId": name,
            **shared,
            "responses": {**responses, forbidden: ref("responses", Forbidden.__name__)},
        },
        "head": {
            "operationId": f"{name}-head",
            **shared,
            "responses": {**heads, forbidden: {"description": ERRORS[Forbidden]}},
        },
    }


def _cell(workload: Workload, parameters: Parameters, model: str) -> Json:
    name = workload.name
    errors = [kind for kind in ERRORS if parameters.all or kind is not BadParameter]
    under = {"properties": {"model": {"type": "string", "enum": [model]}}}
    return {
        "summary": workload.doc,
        "description": f"Under `{model}`: {load(model).doc}",
        "tags": [name],
        "parameters": [ref("parameters", f"{name}.{parameter}") for parameter in parameters.all],
        "responses": {
            "200": {
                "description": "The result, where it was computed, and where the time went.",
                "headers": {"Server-Timing": ref("headers", "Server-Timing")},
                "content": written({"allOf": [ref("schemas", f"{name}.answer"), under]}),
            },
            **{str(kind.status): ref("responses", kind.__name__) for kind in errors},
        },
    }


def _parameter(parameter: Parameter) -> Json:
    schema = parameter.schema()
    about = {key: schema.pop(key) for key in ("description",) if key in schema}
    return {
        "name": parameter.name,
        "in": "query",
        **about,
        "example": parameter.example,
        "schema": schema,
    }


def _error(kind: type[ServerError], why: str) -> Json:
    headers = {
        name: {"required": True, "schema": {"type": "string"}, "example": value}
        for name, value in kind.headers.items()
    }
    return {
        "description": why,
        **({"headers": headers} if headers else {}),
        "content": written("Error"),
    }


class _Untitled(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class _Written(GenerateJsonSchema):
    """The form in which results are written: JSON has neither NaN nor infinities."""

    def float_schema(self, schema: FloatSchema) -> JsonSchemaValue:
        return {"type": ["number", "null"]}


def _schemas() -> Json:
    shapes = (answers.Discovery, answers.Statistics, answers.Status, answers.Error, answers.Answer)
    _, schema = models_json_schema(
        [(shape, "serialization") for shape in shapes],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    defined: Json = schema["$defs"]
    return defined


def _answer(schema: Json, workload: Workload) -> Json:
    """Narrow the schema of an answer to those of one workload."""
    own = {"workload": {"const": workload.name}, "result": _result(workload)}
    return {**schema, "title": f"{workload.name}.answer", "properties": schema["properties"] | own}


def _result(workload: Workload) -> Json:
    """Describe what the function says that it returns: anything, where pydantic does not know."""
    kind = get_type_hints(workload.function, include_extras=True).get("return", Any)
    if isinstance(kind, type) and issubclass(kind, bytes):
        kind = answers.Size
    place = f"#/components/schemas/{workload.name}.answer/properties/result/$defs/{{model}}"
    try:
        return TypeAdapter[Any](kind).json_schema(
            mode="serialization", ref_template=place, schema_generator=_Written
        )
    except PydanticUserError:
        return {}
