"""The OpenAPI document: all that the server answers, for programs that read it before they ask.

Nothing is declared here that a workload's signature says already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from server.errors import BadParameter, BadRequest, Expired, Refused, ServerError, WorkFailed
from server.models import load
from server.parameters import Parameter, Parameters
from server.workloads import Workload

Json = dict[str, Any]

JSON, TEXT = "application/json", "text/plain"
WHY = {
    BadRequest: "A parameter that is unknown or came twice, or a body.",
    BadParameter: "A value of the wrong type or out of its bounds, which the message names.",
    WorkFailed: "The work raised, or its worker died.",
    Refused: "The model's queue is full, or the server drains: come back later.",
    Expired: "The deadline passed while the request waited or ran.",
}
ABOUT = (
    "The same work under every concurrency model: `GET /{workload}/{model}` runs a workload under "
    "a model and tells where the time went. Paths take GET alone (the service's own HEAD too) and "
    "answer 405 to the rest. Every error is JSON with a type, a message and a hint."
)


def _object(required: Json, **more: Any) -> Json:
    return {"type": "object", "properties": required, "required": list(required), **more}


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


TEXTS: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
TOOK: Json = {"type": "number", "minimum": 0}
SCHEMAS: Json = {
    "Error": _object(
        {
            "error": _object(
                {
                    "type": TEXTS,
                    "message": {**TEXTS, "description": "What was wrong, and why."},
                    "hint": {**TEXTS, "description": "What to do about it."},
                }
            )
        },
    ),
    "Worker": _object(
        {"pid": COUNT, "thread": TEXTS},
        description="The process and the thread in which the work ran, or its last stage.",
    ),
    "Stages": _object(
        {
            "queued": {**TOOK, "description": "Waited for a place at a worker."},
            "started": {**TOOK, "description": "From the place to the start of the work."},
            "ran": {**TOOK, "description": "From the start of the work to its end."},
            "cpu": {
                "type": ["number", "null"],
                "minimum": 0,
                "description": "Of that on a core; null where it cannot be told apart.",
            },
            "resumed": {**TOOK, "description": "From the end of the work back to the event loop."},
            "total": {**TOOK, "description": "From the request's arrival to its answer."},
        },
        description="Where the time of the request went, in milliseconds.",
    ),
    "Status": _object({"status": TEXTS}),
}
