"""Every option of the server, declared once: flag, environment variable, help, default, bounds."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NoReturn, Self

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, CliApp, CliSettingsSource, NoDecode, SettingsConfigDict

from server.arguments import Parser, Version

PROGRAM = "python -m server"
PREFIX = "LOADBEARING_"
ALL = "all"
BUILT_IN = ("server.workloads.io", "server.workloads.cpu", "server.workloads.mixed")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
HOST_NAME = re.compile(r"[\w.-]+")


def duration(value: Any) -> Any:
    """Read `250ms`, `30s`, `2m` or a number of seconds, as seconds."""
    if not isinstance(value, str):
        return value
    read = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m)?", value.strip())
    if read is None:
        raise ValueError(f"{value!r} is no duration; write 250ms, 30s or 2m")
    return float(read[1]) * UNITS[read[2] or "s"]


def _names(value: Any) -> Any:
    """Split `a,b` and repeated options into names."""
    parts = [value] if isinstance(value, str) else value
    return tuple(name.strip() for part in parts for name in part.split(",") if name.strip())


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
Duration = Annotated[float, BeforeValidator(duration), Gt(0)]


class Settings(BaseSettings):
    """Run the same work under every concurrency model.

    Each option is an environment variable too: --start-method is LOADBEARING_START_METHOD.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        cli_kebab_case=True,
        cli_prog_name=PROGRAM,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    host: str = Field(
        "127.0.0.1",
        description="address to listen on; with 0.0.0.0, everybody on the network can run work",
    )
    port: Annotated[int, Ge(0), Le(65535)] = Field(8080, description="port; 0 picks a free one")
    allow_host: Names = Field(
        (),
        description="further host names, separated by commas, under which the server may be asked, "
        "and whose web pages may start work",
    )
    loop: Literal["uvloop", "asyncio"] = Field("uvloop", description="event loop")
    threads: Annotated[int, Ge(1), Le(1000)] = Field(
        16, description="threads in the pool: its I/O capacity is threads ÷ wait"
    )
    processes: Annotated[int, Ge(1), Le(256)] = Field(
        cores(), description="processes in the pool, one for each core"
    )
    start_method: Literal["forkserver", "spawn", "fork"] = Field(
        "forkserver", description="how worker processes start; fork is unsafe beside threads"
    )
    admission: Literal["unbounded", "bounded", "deadline", "lifo", "adaptive"] = Field(
        "deadline", description="who is let in when all workers are busy; the others get 503"
    )
    target: Duration = Field(
        0.15, description="response time that admission aims for, below what clients accept"
    )
    queue: Annotated[int, Ge(0)] = Field(
        256, description="requests that may wait for each model, under any bounded admission"
    )
    deadline: Duration = Field(
        5.0, description="time for one request, such as 250ms or 5s, queue included; then 504"
    )
    switch_interval: Annotated[float, BeforeValidator(duration), Gt(0), Le(10)] = Field(
        sys.getswitchinterval(), description="GIL switch interval, such as 0.5ms"
    )
    workers: Annotated[int, Ge(1), Le(256)] = Field(
        1, description="server processes with an event loop and pools of their own (gunicorn)"
    )
    loops: Annotated[int, Ge(1), Le(256)] = Field(
        1,
        description="event loops, each in a thread with pools of its own: for a Python without GIL",
    )
    models: Names = Field(
        (), description="models to start, separated by commas, or all; without it, all but dask"
    )
    workloads: Names = Field(
        (), description="modules or files with workloads of your own, beside the built-in ones"
    )
    dask: str | None = Field(
        None, description="address of a Dask scheduler; without it, dask starts a local cluster"
    )

    @field_validator("allow_host")
    @classmethod
    def _named(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not HOST_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a host name; write it alone, e.g. bench.lan")
        return names

    @field_validator("models")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from server.model_table import TABLE  # noqa: PLC0415 - the table's classes take Settings

        if ALL in names:
            return tuple(TABLE)
        for name in names:
            if name not in TABLE:
                close = get_close_matches(name, TABLE, n=1)
                known = f"there are {', '.join(TABLE)}, or {ALL}"
                hint = f"did you mean {close[0]!r}?" if close else known
                raise ValueError(f"there is no model {name!r}; {hint}")
        return names

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.workers > 1 and self.loops > 1:
            raise ValueError("--workers and --loops exclude each other: choose one of them")
        return self

    def preload(self) -> tuple[str, ...]:
        """List the modules that a worker process needs: the fork server loads them once."""
        return ("server.worker.carry", *BUILT_IN, *self.workloads)

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Settings:
        """Read the command line and the environment; end with exit code 2 where they are wrong."""
        try:
            parser = Parser(prog=PROGRAM, description=cls.__doc__)
            parser.add_argument(
                "--version", action=Version, nargs=0, help="show the version and exit"
            )
            source = CliSettingsSource[Any](cls, root_parser=parser)
            return CliApp.run(cls, cli_args=list(arguments), cli_settings_source=source)
        except ValidationError as error:
            _refuse(error)


def _refuse(error: ValidationError) -> NoReturn:
    for one in error.errors():
        reason = one["msg"].removeprefix("Value error, ")
        if one["loc"]:
            name = str(one["loc"][0])
            flag, variable = "--" + name.replace("_", "-"), PREFIX + name.upper()
            reason = f"{flag} (or {variable}) {one['input']!r}: {reason}"
        print(f"{PROGRAM}: {reason}", file=sys.stderr)  # noqa: T201 - to whoever started it
    raise SystemExit(2)
