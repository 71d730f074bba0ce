"""Every option of the server, declared once: flag, environment variable, help, default, bounds."""

from __future__ import annotations

import argparse
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, Self, get_args

from annotated_types import Ge, Le, MinLen
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, CliApp, CliSettingsSource, NoDecode, SettingsConfigDict

from server.cores import cores
from server.errors import closest, did_you_mean
from server.tables import MODELS, POLICIES

PROGRAM = "python -m server"
VERSION = "0.1.0"  # as in pyproject.toml; a checkout need not be installed
PURPOSE = "An aiohttp server that runs the same piece of work under every concurrency model."
EXAMPLE = f"""Example:
  {PROGRAM} --threads 32 --workloads shop.py
  curl 'http://127.0.0.1:8080/sleep/thread-pool?ms=50'"""
PREFIX = "LOADBEARING_"
ALL = "all"
BUILT_IN = tuple(f"server.workloads.{name}" for name in ("io", "cpu", "mixed", "postgres"))
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
HOST_NAME = re.compile(r"[\w.-]+")
# The options as the help groups them. All but the first two groups can be varied in a comparison.
GROUPS = {
    "address": ("host", "port", "allow_host"),
    "what runs": ("models", "workloads", "postgres"),
    "event loops": ("loop", "loops", "workers", "switch_interval"),
    "pools": ("threads", "processes", "start_method", "dask"),
    "overload": ("admission", "target", "queue", "deadline"),
}
VARIABLE = tuple(name for group in tuple(GROUPS)[2:] for name in GROUPS[group])
INDENT = " " * 24


def duration(value: Any) -> Any:
    """Read `250ms`, `30s`, `2m` or a number of seconds, as seconds."""
    if not isinstance(value, str):
        return value
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m)?", value.strip())
    if parts is None:
        raise ValueError(f"invalid duration {value!r}; write 250ms, 30s or 2m")
    return float(parts[1]) * UNITS[parts[2] or "s"]


def _names(value: Any) -> Any:
    """Split `a,b` and repeated options into names."""
    parts = [value] if isinstance(value, str) else value
    return tuple(name.strip() for part in parts for name in part.split(",") if name.strip())


def _modules(value: Any) -> Any:
    """Split a list of modules, except where a whole part is the path of something that exists."""
    parts = [value] if isinstance(value, str) else value
    return tuple(
        name
        for part in parts
        for name in ([part] if "," in part and Path(part).exists() else _names(part))
    )


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
# Bounds come before what reads text, or they are missing from the schema.
Duration = Annotated[float, Ge(1e-6), BeforeValidator(duration)]
if TYPE_CHECKING:
    PolicyName = str
else:
    PolicyName = Literal[tuple(POLICIES)]


class Settings(BaseSettings):
    """The options of one server."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, cli_kebab_case=True)

    host: Annotated[str, MinLen(1)] = Field(
        "127.0.0.1",
        description="address to listen on; with 0.0.0.0, anyone on the network can run work",
    )
    port: Annotated[int, Ge(0), Le(65535)] = Field(8080, description="port; 0 picks a free one")
    allow_host: Names = Field(
        (),
        description="more host names, separated by commas, under which clients may address the "
        "server, and whose web pages may start work",
    )
    models: Names = Field(
        (), description="models to start, separated by commas, or all; by default all but dask"
    )
    workloads: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_modules)] = Field(
        (),
        description="modules or files with workloads of your own, in addition to the built-in ones",
    )
    postgres: str | None = Field(
        None,
        description="address of a PostgreSQL for the workload of that name, which creates only "
        "temporary tables there; by default it starts one of its own",
    )
    loop: Literal["uvloop", "asyncio"] = Field(
        "uvloop", description="implementation of the event loop"
    )
    loops: Annotated[int, Ge(1), Le(256)] = Field(
        1,
        description="event loops in one process, each in a thread with its own pools; only useful "
        "on a free-threaded Python",
    )
    workers: Annotated[int, Ge(1), Le(256)] = Field(
        1, description="server processes, each with its own event loop and pools (gunicorn)"
    )
    switch_interval: Annotated[float, Ge(1e-6), Le(10), BeforeValidator(duration)] = Field(
        sys.getswitchinterval(),
        description="time after which a thread that computes is asked to release the GIL, e.g. "
        "0.5ms",
    )
    threads: Annotated[int, Ge(1), Le(1000)] = Field(
        16,
        description="threads in the pool, which finish at most threads ÷ wait calls a second",
    )
    processes: Annotated[int, Ge(1), Le(256)] = Field(
        cores(),
        description="processes in the pool; by default one for each core",
    )
    start_method: Literal["forkserver", "spawn", "fork"] = Field(
        "forkserver",
        description="how worker processes start; fork is unsafe in a process with threads",
    )
    dask: str | None = Field(
        None, description="address of a Dask scheduler; by default, dask starts a local cluster"
    )
    admission: PolicyName = Field(
        "deadline", description="who is let in when all workers are busy; everyone else gets 503"
    )
    target: Duration = Field(
        0.15,
        description="response time that admission aims for; set it below what clients accept",
    )
    queue: Annotated[int, Ge(0)] = Field(
        256, description="requests that may wait for each model, unless admission is unbounded"
    )
    deadline: Duration = Field(
        5.0,
        description="time limit of a request including its wait, e.g. 250ms or 5s, else 504",
    )

    @field_validator("allow_host")
    @classmethod
    def _check_hosts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not HOST_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a host name; write only the name: bench.lan")
        return names

    @field_validator("models")
    @classmethod
    def _check_models(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in MODELS and name != ALL:
                hint = did_you_mean(name, [*MODELS, ALL])
                raise ValueError(f"unknown model {name!r}. {hint}")
        return tuple(MODELS) if ALL in names else names

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.workers > 1 and self.loops > 1:
            raise ValueError("--workers and --loops exclude each other; choose one of them")
        return self

    @property
    def url(self) -> str:
        """The address under which clients reach the server."""
        host = f"[{self.host.replace('%', '%25')}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def preload(self) -> tuple[str, ...]:
        """List the modules that a worker process needs: the fork server loads them once."""
        return ("server.worker.carry", *BUILT_IN, *self.workloads)

    @classmethod
    def parse(
        cls, arguments: Sequence[str], workloads: Callable[[], Iterable[str]] = tuple
    ) -> Self:
        """Read the command line and the environment. Exits with 2 where they are wrong.

        `workloads` gives the names for the help, and is called only for that.
        """
        parser = Parser(workloads)
        try:
            source = CliSettingsSource[Any](cls, root_parser=parser)
            return CliApp.run(cls, cli_args=list(arguments), cli_settings_source=source)
        except ValidationError as error:
            _exit(error)


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _exit(error: ValidationError) -> NoReturn:
    for problem in error.errors():
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["loc"]:
            name = str(problem["loc"][0])
            variable = PREFIX + name.upper()
            reason = f"{flag(name)} (or {variable}) {problem['input']!r}: {reason}"
        print(f"{PROGRAM}: {reason}", file=sys.stderr)  # noqa: T201 - to whoever started it
    raise SystemExit(2)


class Parser(argparse.ArgumentParser):
    """Accepts no abbreviations, writes a help of its own, and one line for what is wrong."""

    def __init__(self, workloads: Callable[[], Iterable[str]]) -> None:
        super().__init__(prog=PROGRAM, allow_abbrev=False)
        self._workloads = workloads
        version = f"loadbearing {VERSION} (Python {platform.python_version()})"
        self.add_argument("--version", action="version", version=version)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, and exit with 2 if there are arguments that nothing takes."""
        parsed, left = super().parse_known_args(args, namespace)
        if left:
            self.error(self._unknown(next((w for w in left if w.startswith("-")), left[0])))
        return parsed, left

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\nFor all options: {self.prog} --help\n")

    def format_help(self) -> str:
        width = max(60, min(get_terminal_size().columns, 100))

        def paragraph(text: str, start: str = "", later: str = "") -> str:
            return fill(
                text, width, initial_indent=start, subsequent_indent=later, break_on_hyphens=False
            )

        def options() -> Iterator[str]:
            for group, names in GROUPS.items():
                yield f"\n{group.capitalize()}:"
                for name in names:
                    head, about = _described(name, Settings.model_fields[name])
                    yield from ([] if len(head) < len(INDENT) else [head])
                    yield paragraph(about, head.ljust(24) if len(head) < 24 else INDENT, INDENT)

        return "\n".join(
            [
                f"usage: {PROGRAM} [options]\n",
                paragraph(PURPOSE),
                *options(),
                "\nOther:",
                "  -h, --help            show this text",
                "  --version             show the version",
                "",
                paragraph(
                    "The environment variable of an option, in brackets, has the same effect as "
                    "the option; the option takes precedence."
                ),
                "",
                paragraph(f"Models: {', '.join(MODELS)}.", later="  "),
                paragraph(f"Workloads: {', '.join(self._workloads())}.", later="  "),
                f"\n{EXAMPLE}\n",
            ]
        )

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write "?" for a character that the terminal's encoding lacks."""
        encoding = getattr(file or sys.stderr, "encoding", None) or "utf-8"
        super()._print_message(message.encode(encoding, "replace").decode(encoding), file)

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"unexpected argument {word!r} (separate list items with commas: a,b)"
        option = word.partition("=")[0]
        flags = [flag for flag in self._option_string_actions if flag.startswith("--")]
        return f"unknown option {option!r}. {closest(option, flags)}".rstrip()


def _described(name: str, field: FieldInfo) -> tuple[str, str]:
    """Give the flag with what it takes, and the description with default and variable."""
    if choices := _choices(field.annotation):
        takes = "{" + ",".join(choices) + "}"
    elif field.annotation is int:
        takes = "N"
    elif field.annotation is float:
        takes = "TIME"
    else:
        takes = {"models": "M,...", "workloads": "MODULE,..."}.get(name, "NAME")
    default = field.default
    shown = "" if default in ((), None) else f"default {_shown(default)}; "
    return f"  {flag(name)} {takes}", f"{field.description} [{shown}{PREFIX}{name.upper()}]"


def _choices(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if str(annotation).startswith("typing.Literal") else ()


def _shown(default: Any) -> str:
    if not isinstance(default, float):
        return str(default)
    return f"{default:g}s" if default >= 1 else f"{default * 1e3:g}ms"
