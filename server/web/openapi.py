"""The OpenAPI document: what every path takes and answers, for programs that read before they ask.

What the signature of a workload says is not said again here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import FloatSchema

from server.catalogue.parameter import Parameter
from server.catalogue.parameters import Parameters
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
from server.web.handlers import FIXED
from server.web.openapi_shapes import (
    COUNT,
    SCHEMAS,
    SERVER_TIMING,
    SERVICE,
    Json,
    closed,
    ref,
    written,
)
from server.workloads.registry import Workload

ABOUT = (
    "One and the same work under every concurrency model: `GET /{workload}/{model}` runs it and "
    "tells where the time went. Workloads take GET alone, paths of the service GET and HEAD; any "
    "other method is answered 405 with `Allow`. Every error says what, why and what to do."
)
ERRORS: dict[type[ServerError], str] = {
    BadRequest: "A parameter that is unknown or came twice, or a body.",
    Forbidden: "A web page of another site, or a `Host` that is not a name of the server.",
    BadParameter: "A value of a wrong type or out of its bounds.",
    WorkFailed: "The work raised, or its worker died.",
    Refused: "The queue of the model is full.",
    Expired: "The deadline passed while the request waited or ran.",
}


def document(
    workloads: Mapping[str, Workload],
    parameters: Mapping[str, Parameters],
    impossible: Mapping[tuple[str, str], str | None],
    default: str,
) -> Json:
    """Describe, in OpenAPI 3.1, the paths of the service and every cell that can run.

    `impossible` tells for each started cell why it cannot run, or None; `default` is the model of
    the paths that name none.
    """
    paths = {f"/{path}": _fixed(name, *SERVICE[name]) for path, name in FIXED.items()}
    for (name, model), why in impossible.items():
        if why:
            continue
        cell = _cell(workloads[name], parameters[name], model)
        paths[f"/{name}/{model}"] = {"get": {"operationId": f"{name}-{model}", **cell}}
        if model == default:
            paths[f"/{name}"] = {"get": {"operationId": name, **cell}}
    answers = {f"{name}.answer": _answer(one) for name, one in workloads.items()}
    taken = {
        f"{name}.{one.name}": _parameter(one)
        for name, all_of_it in parameters.items()
        for one in all_of_it.all.values()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "loadbearing", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "service", "description": "What the service says of itself."},
            *({"name": name, "description": one.doc} for name, one in workloads.items()),
        ],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS | answers,
            "parameters": taken,
            "headers": {"Server-Timing": SERVER_TIMING},
            "responses": {kind.__name__: _error(kind, why) for kind, why in ERRORS.items()},
        },
    }


def _fixed(name: str, summary: str, answers: Json) -> Json:
    shared = {"summary": summary, "tags": ["service"]}
    heads = {code: {"description": answer["description"]} for code, answer in answers.items()}
    refused = {str(Forbidden.status): ref("responses", Forbidden.__name__)}
    silent = {code: {"description": ERRORS[Forbidden]} for code in refused}
    return {
        "get": {"operationId": name, **shared, "responses": answers | refused},
        "head": {"operationId": f"{name}-head", **shared, "responses": heads | silent},
    }


def _cell(workload: Workload, parameters: Parameters, model: str) -> Json:
    name = workload.name
    errors = [kind for kind in ERRORS if parameters.all or kind is not BadParameter]
    under = {"properties": {"model": {"const": model}}}
    return {
        "summary": workload.doc,
        "description": f"Under `{model}`: {load(model).doc}",
        "tags": [name],
        "parameters": [ref("parameters", f"{name}.{one}") for one in parameters.all],
        "responses": {
            "200": {
                "description": "The result, where it was worked out, and where the time went.",
                "headers": {"Server-Timing": ref("headers", "Server-Timing")},
                "content": written({"allOf": [ref("schemas", f"{name}.answer"), under]}),
            },
            **{str(kind.status): ref("responses", kind.__name__) for kind in errors},
        },
    }


def _parameter(one: Parameter) -> Json:
    schema = one.schema()
    about = {key: schema.pop(key) for key in ("description",) if key in schema}
    return {
        "name": one.name,
        "in": "query",
        **about,
        "example": schema["default"],
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
        "content": written(ref("schemas", "Error")),
    }


def _answer(workload: Workload) -> Json:
    return closed(
        {
            "workload": {"const": workload.name},
            "model": {"type": "string"},
            "result": _result(workload),
            "worker": ref("schemas", "Worker"),
            "ms": ref("schemas", "Milliseconds"),
        },
    )


class _Written(GenerateJsonSchema):
    """The form in which results are written: JSON has neither NaN nor infinities."""

    def float_schema(self, schema: FloatSchema) -> JsonSchemaValue:
        return {"type": ["number", "null"]}


def _result(workload: Workload) -> Json:
    """Describe what the function says that it returns: anything, where pydantic cannot tell."""
    kind = get_type_hints(workload.function, include_extras=True).get("return", Any)
    if isinstance(kind, type) and issubclass(kind, bytes):
        return closed({"bytes": COUNT})
    place = f"#/components/schemas/{workload.name}.answer/properties/result/$defs/{{model}}"
    try:
        return TypeAdapter[Any](kind).json_schema(
            mode="serialization", ref_template=place, schema_generator=_Written
        )
    except PydanticUserError:
        return {}
