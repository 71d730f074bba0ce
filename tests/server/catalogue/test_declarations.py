"""A workload that could not run is rejected at start, with the line where it is declared."""

import sys
import types
from collections.abc import Iterator

import pytest

from server.catalogue.declarations import check
from server.workloads.registry import REGISTRY, WorkloadError

HEAD = """
import contextlib, enum, functools, zlib
from typing import Annotated, Any, Literal
from annotated_types import Ge, Interval, Len, Unit
from server.workloads import Payload, Vary, native, resource, workload

def wrapped(function):
    @functools.wraps(function)
    def inner(*positional, **named):
        return function(*positional, **named)
    return inner

def bare(function):
    def inner(a: int = 1): ...
    return inner
"""
GOOD = """
class Shade(enum.Enum):
    RED = "red"
    BLUE = "blue"

def fetch(size, shade): ...

async def ask(size): ...

@workload(kind="mixed", stages=(("io", ask), ("cpu", len)))
async def waits(size: Annotated[int, Vary(1, 9)]): ...

@resource(scope="thread")
@contextlib.contextmanager
def connection(): yield 1

@resource(scope="loop")
@contextlib.asynccontextmanager
async def pool(): yield 2

@resource(scope="process")
def lock(): return contextlib.nullcontext(3)

@workload(kind="mixed", stages=(("io", fetch), ("cpu", zlib.crc32), ("cpu", len)))
@wrapped
def good(
    size: Annotated[int, Interval(ge=1, le=9), Unit("KiB")] = 1,
    *,
    shade: Shade = Shade.RED,
) -> "dict[str, Any]": ...

@native(good)
async def twin(shade: Shade = Shade.RED, size: int = 1): ...

@workload(kind="cpu")
@functools.cache
def kept(data: Annotated[Payload, Ge(0)] = Payload.of(2), of: Literal[1, 2] = 2): ...

class Shelf:
    @staticmethod
    @workload(kind="cpu")
    def sort(share: float = 1, up: bool = True, word: Annotated[str, Len(1)] = "a"): ...
"""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)
    sys.modules.pop("shop", None)


def checked(code: str, head: str = HEAD) -> None:
    """Declare and check; the code's own first line is line 1 of shop.py."""
    shop = sys.modules["shop"] = types.ModuleType("shop")
    before = dict(REGISTRY)
    exec(compile(head, "head.py", "exec"), vars(shop))
    exec(compile(code, "shop.py", "exec"), vars(shop))
    check(
        [workload for name, workload in REGISTRY.items() if name not in before],
        {"health", "events"},
    )


def problems(code: str) -> list[str]:
    with pytest.raises(WorkloadError) as caught:
        checked(code)
    return str(caught.value).split("\n")


def test_our_workloads_and_every_valid_form_pass() -> None:
    import server.workloads.mixed  # noqa: F401, PLC0415 - registers it; the rest comes along

    check(REGISTRY.values())
    checked(GOOD)
    assert {"good", "kept", "sort", "waits"} <= REGISTRY.keys()
    waits = REGISTRY["waits"]
    assert waits.native is waits.function


def test_all_problems_are_reported_at_once() -> None:
    lines = problems(
        "from __future__ import annotations\n"
        "@workload(kind='cpu')\ndef f(a, b: Missing = 1): ...\n\n"
        "@workload(kind='cpu')\ndef health(c: int = ''): ...\n"
    )
    assert [line.partition(" of ")[0] for line in lines] == [
        "shop.py:2: parameter 'a'",
        "shop.py:2: parameter 'b'",
        "shop.py:5: 'health' is a path",
        "shop.py:5: parameter 'c'",
    ]
    assert "name 'Missing' is not defined" in lines[1]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "f = workload(kind='cpu')(lambda: 1)",
            "1: '<lambda>' cannot be sent to a worker process; w",
        ),
        (
            "def make():\n  @workload(kind='cpu')\n  def f(): ...\nmake()",
            "2: 'f' cannot be sent to a worker process; move it to the top of its module, and",
        ),
        (
            "@workload(kind='cpu')\n@bare\ndef f(): ...",
            "0: 'inner' cannot be sent to a worker process; move it to the top of its module, and",
        ),
        (
            "@wrapped\n@workload(kind='cpu')\ndef f(): ...",
            "1: 'f' cannot be sent to a worker process; put @workload above",
        ),
        (
            "@workload(kind='cpu')\ndef f(): ...\nf = 1",
            "1: 'f' cannot be sent to a worker process; ",
        ),
        (
            "@workload(kind='cpu')\ndef f(): yield 1",
            "1: 'f' is a generator, which computes only while it is read; return a list",
        ),
        (
            "@workload(kind='gpu')\ndef f(): ...",
            "1: 'f' has the kind 'gpu'; there are io, cpu, mix",
        ),
        (
            "@workload(kind='cpu')\ndef events(): ...",
            "1: 'events' is a path of the server itself; ",
        ),
        ("@workload(kind='cpu')\ndef größe(): ...", "1: 'größe' is part of a URL; give the func"),
        (
            "def f(): ...\nf.__name__ = '{x}'\nworkload(kind='cpu')(f)",
            "1: '{x}' is part of a URL; give the function a name of plain letters",
        ),
        (
            "class Shop:\n  @workload(kind='cpu')\n  def f(self, a=1): ...",
            "2: 'f' is a method; write a function outside its class, or a @staticmethod",
        ),
        ("@workload(kind=['cpu'])\ndef f(): ...", "1: 'f' has the kind ['cpu']; there are io, cpu"),
        (
            "@workload(kind='cpu')\ndef f(): 'a \\ud800'",
            "1: 'f' has a docstring with a lone surrogate, which no answer can contain",
        ),
    ],
)
def test_a_function_that_no_worker_can_run_is_refused(code: str, problem: str) -> None:
    [line] = problems(code)
    assert line.replace("head.py:14", "shop.py:0").startswith(f"shop.py:{problem}")


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        (
            "('io', one)",
            "stage 1 of 'f', 'one', must take the parameters of the workload by name: ",
        ),
        ("('io', both), ('cpu', both)", "stage 2 of 'f', 'both', must take the previous result al"),
        ("('io', both), ('cpu', lazy)", "stage 2 of 'f', 'lazy', is a generator, which computes"),
        (
            "('io', both), ('cpu', lambda x: x)",
            "stage 2 of 'f', '<lambda>', cannot be sent to a wo",
        ),
        ("('io', both), ('cpu', 'one')", "stage 2 of 'f', 'one', must take the previous result al"),
        ("('io', both), ('web', one)", "'f' has the kind 'web'; there are io, cpu, mixed, payload"),
    ],
)
def test_a_stage_that_cannot_be_called_is_refused(stages: str, problem: str) -> None:
    [line] = problems(
        "def one(a): ...\ndef both(a, b): ...\ndef lazy(a): yield a\n"
        f"@workload(kind='mixed', stages=({stages},))\ndef f(a: int = 1, b: int = 2): ...\n"
    )
    assert line.startswith(f"shop.py:4: {problem}")


@pytest.mark.parametrize(
    ("need", "problem"),
    [
        ("5", "5, which is not a function; write @asynccontextmanager above an async def"),
        ("contextlib.contextmanager(lazy)", "'lazy', which does not return an asynchronous con"),
        ("late", "'late', which does not return an asynchronous context manager; write"),
        ("enum.Enum", "'Enum', which has no __aenter__; write"),
        ("contextlib.asynccontextmanager(wants)", "'wants', which is called without arguments: "),
        ("contextlib.asynccontextmanager(late)()", "'late', which is called already; give its"),
    ],
)
def test_a_need_that_the_server_cannot_enter_is_refused(need: str, problem: str) -> None:
    [line] = problems(
        "def lazy(): yield\nasync def late(): yield\nasync def wants(a): yield\n"
        f"@workload(kind='io', needs=[{need}])\ndef f(): ...\n"
    )
    assert line.startswith(f"shop.py:4: 'f' needs {problem}")


@pytest.mark.parametrize(
    ("twin", "problem"),
    [
        ("def g(a): ...", "'g', the async version of 'f', is not async; write it with async def"),
        (
            "async def g(a): yield a",
            "'g', the async version of 'f', is a generator, which computes only wh",
        ),
        (
            "async def g(b): ...",
            "'g', the async version of 'f', takes (b), not (a); give both the same",
        ),
        (
            "async def g(): ...",
            "'g', the async version of 'f', takes (), not (a); give both the same",
        ),
        (
            "async def g(a, /): ...",
            "'g', the async version of 'f', cannot be given a by name; write it without *, **",
        ),
    ],
)
def test_an_invalid_twin_is_refused(twin: str, problem: str) -> None:
    code = f"@workload(kind='cpu')\ndef f(a: int = 1): ...\n@native(f)\n{twin}\n"
    [line] = problems(code)
    assert line.startswith(f"shop.py:3: {problem}")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "@resource(scope='thread')\ndef f(): yield 1",
            "1: 'f' is not a context manager; write @contextmanager between @resource and it",
        ),
        (
            "@resource(scope='loop')\nasync def f(): yield 1",
            "1: 'f' is not a context manager; write @asynccontextmanager between @resource and it",
        ),
        (
            "@resource(scope='process')\n@contextlib.asynccontextmanager\nasync def f(): yield 1",
            "1: 'f' is async: write scope=\"loop\", or use @contextmanager and def",
        ),
        (
            "@resource(scope='loop')\n@contextlib.contextmanager\ndef f(): yield 1",
            '1: \'f\' is not async: write scope="thread" or "process"',
        ),
        (
            "@workload(kind='io')\nasync def f(): ...\n@native(f)\nasync def g(): ...",
            "3: 'f' is async itself; remove @native, or write 'f' with def",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(code: str, problem: str) -> None:
    assert problems(code) == [f"shop.py:{problem}"]


def test_values_that_are_drawn_must_be_acceptable() -> None:
    [line] = problems("@workload(kind='io')\ndef f(a: Annotated[int, Ge(2), Vary(1, 9)]): ...")
    assert line.startswith("shop.py:1: parameter 'a' of 'f' would reject its own draw 1: ")
