"""The answers of the service as models: OpenAPI has their schemas, and tests hold answers to them.

Discovery is built from them once. The others describe what is written elsewhere: no request pays
for a validation.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Ge(0)]
Amount = Annotated[float, Ge(0)]


class Shape(BaseModel):
    """An object with all of these members and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Shape):
    type: str
    message: str = Field(description="What is wrong, and why.")
    hint: str = Field(description="What to do about it.")


class Error(Shape):
    error: Problem


class Worker(Shape):
    """The process and the thread in which the work ran, or its last stage did."""

    pid: Count
    thread: str


class Milliseconds(Shape):
    """Where the time went."""

    queued: Amount = Field(description="Until the model had room for the work.")
    started: Amount = Field(description="From then until the work began.")
    ran: Amount = Field(description="From the beginning of the work to its end.")
    cpu: Amount | None = Field(description="The part of that on a core; null if unknown.")
    resumed: Amount = Field(description="From the end of the work back to the event loop.")
    total: Amount = Field(description="From the request to its answer.")


class Size(Shape):
    """What is written of a result that is bytes."""

    bytes: Count


class Answer(Shape):
    workload: str
    model: str
    result: Any
    worker: Worker
    ms: Milliseconds


class Status(Shape):
    status: str


class Model(Shape):
    available: bool
    why: str | None = Field(description="Why it is not available.")
    doc: str
    sized_by: str | None = Field(
        description="The option that sets how many calls it runs at once; null if none does."
    )
    promises: dict[str, bool]
    cannot: dict[str, str] = Field(description="Why it cannot keep a promise.")


class Drawn(Shape):
    """From `minimum` to `maximum`, or from `values`; all are equally likely without `zipf`."""

    minimum: float | int | None = None
    maximum: float | int | None = None
    values: list[Any] = []
    zipf: float = Field(0, description="Place n is drawn in proportion to n to the power of -zipf.")


class Parameter(Shape):
    type: str
    default: Any
    minimum: float | int | None
    maximum: float | int | None
    unit: str | None
    doc: str
    choices: list[Any] = []
    varies: Drawn | None = Field(None, description="How a request that omits it draws a value.")


class Workload(Shape):
    kind: str
    stages: list[str]
    doc: str
    source: str = Field(description="The module that declares it.")
    parameters: dict[str, Parameter]
    models: list[str] = Field(description="The models that can run it.")
    impossible: dict[str, str] = Field(description="Why other models cannot run it.")
    curl: str = Field(description="An example request.")


class Option(Shape):
    """An option of the server that can be varied: `threads` is `--threads`."""

    doc: str
    type: Literal["integer", "number", "string"]
    default: int | float | str | None
    minimum: int | float | None
    maximum: int | float | None
    choices: list[str] | None
    models: list[str] | None = Field(description="The models that it affects; null for all.")


class Runtime(Shape):
    """Everything that a measurement depends on."""

    python: str
    implementation: str
    gil: bool
    free_threaded_build: bool
    loop: str
    cores: Count
    threads: Count
    processes: Count
    start_method: str
    workers: Count
    loops: Count
    admission: str
    target_s: Amount
    answered_within_s: Amount | None = Field(
        description="Within what time an admitted request should be answered; null where "
        "admission does not depend on times."
    )
    queue: Count
    deadline_s: Amount
    switch_interval_s: Amount
    packages: dict[str, str]
    warnings: list[str] = Field(description="What makes measurements of this server worth less.")


class Discovery(Shape):
    service: Literal["loadbearing"]
    models: dict[str, Model]
    workloads: dict[str, Workload]
    options: dict[str, Option]
    runtime: Runtime


class Lag(Shape):
    """How late the event loop ran its timers in the last ten seconds, in milliseconds."""

    p50: Amount
    p99: Amount
    max: Amount


class Gauges(Shape):
    """What a model is doing and has done; a model has those that apply to it."""

    slots: Count = Field(0, description="Calls that it can run at once.")
    busy: Count = Field(0, description="Calls that it is running.")
    queued: Count = Field(0, description="Requests that are waiting.")
    abandoned: Count = Field(0, description="Running calls whose client has given up.")
    refused: Count = Field(0, description="Requests refused because too many were waiting.")
    expired: Count = Field(0, description="Requests past their deadline.")
    cancelled: Count = Field(0, description="Requests whose client hung up.")
    restarted: Count = Field(0, description="Workers, or pools of them, that were replaced.")
    lost: Count = Field(0, description="Calls lost with their worker.")
    workers: list[dict[str, Any]] = []


class Process(Shape):
    pid: Count
    role: str
    cpu_s: Amount
    rss_mib: Amount
    threads: Count


class Loop(Shape):
    pid: Count
    thread: str
    loop_lag_ms: Lag
    age_s: Amount = Field(description="How old this is.")
    cpu_s: Amount = Field(description="CPU time of its thread.")
    lag_counts: list[Count] = Field(
        description="How many timers were late by up to each of `lag_bounds_s`, and by more, "
        "since it started."
    )


class Gil(Shape):
    pid: Count
    samples: Count = Field(description="Random instants at which the GIL was sampled.")
    held: Count = Field(description="How many of them found it held.")


class Statistics(Shape):
    uptime_s: Amount
    loop_lag_ms: Lag
    models: dict[str, Gauges]
    processes: list[Process]
    loops: list[Loop]
    lag_bounds_s: list[Amount]
    gils: list[Gil] = Field(
        description="One for each server process; none where the system cannot tell."
    )
