"""The shapes of answers, as JSON schemas: the half of the OpenAPI document that never varies."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def ref(section: str, name: str) -> Json:
    """Point to a component of the document."""
    return {"$ref": f"#/components/{section}/{name}"}


def closed(properties: Json, **more: Any) -> Json:
    """Describe an object with all of these properties and no others."""
    return {**_open(properties), "additionalProperties": False, **more}


def written(schema: Json) -> Json:
    """Describe content that is written as JSON."""
    return {"application/json": {"schema": schema}}


def _open(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _each(schema: Json) -> Json:
    return {"type": "object", "additionalProperties": schema}


def _list(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def _fine(content: Json) -> Json:
    return {"200": {"description": "What was asked for.", "content": content}}


TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
AMOUNT: Json = {"type": "number", "minimum": 0}
LAG = closed({"p50": AMOUNT, "p99": AMOUNT, "max": AMOUNT})
STATUS = written(closed({"status": TEXT}))
SERVER_TIMING: Json = {
    "required": True,
    "description": "The same stages, for the network panel of a browser.",
    "schema": {**TEXT, "pattern": r"^[a-z]+;dur=[0-9.]+(, [a-z]+;dur=[0-9.]+)*$"},
    "example": "queued;dur=0.412, started;dur=0.305, ran;dur=11.934, cpu;dur=11.802, "
    "resumed;dur=0.187, total;dur=12.838",
}

SCHEMAS: Json = {
    "Error": closed(
        {
            "error": closed(
                {
                    "type": TEXT,
                    "message": {**TEXT, "description": "What is wrong, and why."},
                    "hint": {**TEXT, "description": "What to do about it."},
                }
            )
        }
    ),
    "Worker": closed(
        {"pid": COUNT, "thread": TEXT},
        description="The process and the thread in which the work ran, or its last stage did.",
    ),
    "Milliseconds": closed(
        {
            "queued": {**AMOUNT, "description": "Until there was a place for the work."},
            "started": {**AMOUNT, "description": "From then until the work began."},
            "ran": {**AMOUNT, "description": "From the beginning of the work to its end."},
            "cpu": {
                "type": ["number", "null"],
                "minimum": 0,
                "description": "Of that on a core; null where it cannot be told apart.",
            },
            "resumed": {**AMOUNT, "description": "From the end of the work back to the loop."},
            "total": {**AMOUNT, "description": "From the request to its answer."},
        },
        description="Where the time went.",
    ),
    "Discovery": _open(
        {
            "service": {"const": "loadbearing"},
            "models": _each(_open({"available": FLAG, "why": {"type": ["string", "null"]}})),
            "workloads": _each(
                _open(
                    {
                        "kind": TEXT,
                        "stages": _list(TEXT),
                        "doc": TEXT,
                        "parameters": _each({"type": "object"}),
                        "models": _list(TEXT),
                        "impossible": _each(TEXT),
                        "curl": TEXT,
                    }
                )
            ),
            "runtime": {"type": "object"},
        }
    ),
    "Statistics": _open(
        {
            "uptime_s": AMOUNT,
            "loop_lag_ms": LAG,
            "models": _each(
                {
                    "type": "object",
                    "properties": {"workers": _list({"type": "object"})},
                    "additionalProperties": COUNT,
                }
            ),
            "processes": _list(
                _open({"pid": COUNT, "role": TEXT, "cpu_s": AMOUNT, "rss_mib": AMOUNT})
            ),
            "loops": _list(
                _open(
                    {
                        "pid": COUNT,
                        "thread": TEXT,
                        "loop_lag_ms": LAG,
                        "age_s": {**AMOUNT, "description": "How old this is."},
                        "cpu_s": {**AMOUNT, "description": "CPU time of its thread."},
                        "lag_counts": {
                            **_list(COUNT),
                            "description": "How many timers were late up to each of "
                            "`lag_bounds_s`, and by more, since it started.",
                        },
                    }
                )
            ),
            "lag_bounds_s": _list(AMOUNT),
            "gils": {
                **_list(_open({"pid": COUNT, "samples": COUNT, "held": COUNT})),
                "description": "At how many random instants the GIL of each server process was "
                "looked at, and was held; none where the system cannot tell.",
            },
        }
    ),
}

# What each method of the service tells, and what it answers.
SERVICE: dict[str, tuple[str, Json]] = {
    "index": (
        "Models, workloads with their parameters, and the runtime; for a browser, the live page.",
        _fine({**written(ref("schemas", "Discovery")), "text/html": {"schema": TEXT}}),
    ),
    "health": ("Answers at once from the event loop.", _fine(STATUS)),
    "ready": (
        "Whether the server takes work.",
        {**_fine(STATUS), "503": {"description": "It starts or drains.", "content": STATUS}},
    ),
    "stats": (
        "Loop lag, what each model does now and has done, and what each process consumes.",
        _fine(written(ref("schemas", "Statistics"))),
    ),
    "events": (
        "The same once a second, as server-sent events; between them, ten times a second, a `beat` "
        "with the clock of the event loop that serves the stream: it stops while that is blocked.",
        {
            "200": {
                "description": "A stream without end.",
                "content": {"text/event-stream": {"schema": TEXT}},
            },
            "503": {
                "description": "Too many listen already, or the server drains.",
                "content": written(ref("schemas", "Error")),
            },
        },
    ),
    "metrics": (
        "The statistics for Prometheus.",
        _fine({"text/plain": {"schema": TEXT}}),
    ),
    "openapi": ("This document.", _fine(written({"type": "object"}))),
}
