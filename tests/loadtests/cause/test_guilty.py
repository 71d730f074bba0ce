"""The guilty line, from stacks as py-spy has recorded them of services at their limit."""

from __future__ import annotations

import pytest

from loadtests.cause.guilty import Guilty, collapsed, decide, kind_of, named, relevant
from loadtests.paths import ROOT
from loadtests.service.stacks import Stack, parsed

LIB, SITE = "/opt/lib/python3.11", f"{ROOT}/.venv/lib/python3.11/site-packages"
SERVER, MINE = f"{ROOT}/server", "/home/user/mine.py"
COMMAND = '/opt/bin/python -c from multiprocessing.forkserver import main; main("a";"b")'
PARENT, CHILD = 'process 7:"python -m server";', f'process 7:"server";process 9:"{COMMAND}";'
THREAD = (
    f"Thread.run ({LIB}/threading.py:982);_worker ({LIB}/concurrent/futures/thread.py:{{}});"
    f"_WorkItem.run ({LIB}/concurrent/futures/thread.py:58);carry ({SERVER}/worker/carry.py:50);"
)
BUSY = THREAD.format(83)
IDLE = f"Thread.run ({LIB}/threading.py:982);_worker ({LIB}/concurrent/futures/thread.py:81)"
SITE_THREAD = f"Thread.run ({LIB}/threading.py:982);_Site._start ({SERVER}/workloads/web.py:99)"
LOOP = (
    f"_run_code (<frozen runpy>:88);<module> ({SERVER}/__main__.py:14);"
    f"run ({SERVER}/lifecycle/event_loops.py:72);_run ({SERVER}/lifecycle/exits.py:45)"
)
HANDLE = f";answer ({SERVER}/web/answering.py:50);Cell.handle ({SERVER}/web/handlers.py:86)"
INLINE = f"{LOOP}{HANDLE};Inline.call ({SERVER}/models/on_loop.py:49)"
DUMPS = f"dumps ({LIB}/json/__init__.py:231);JSONEncoder.iterencode ({LIB}/json/encoder.py:258)"
ENCODE = f"{LOOP}{HANDLE};encode ({SERVER}/web/handlers.py:49)"
CPU, ORDERS = f"{SERVER}/workloads/cpu.py", f"{SERVER}/workloads/orders.py"
DATABASE = f"{SERVER}/workloads/postgres.py"
QUERY = f"postgres ({DATABASE}"
GETCONN = (
    f"_GeneratorContextManager.__enter__ ({LIB}/contextlib.py:137);"
    f"ConnectionPool.connection ({SITE}/psycopg_pool/pool.py:184);"
    f"ConnectionPool.getconn ({SITE}/psycopg_pool/pool.py:214);"
    f"WaitingClient.wait ({SITE}/psycopg_pool/pool.py:887);Condition.wait ({LIB}/threading.py:331)"
)
EXECUTE = (
    f"Connection.execute ({SITE}/psycopg/connection.py:302);"
    f"Cursor.execute ({SITE}/psycopg/cursor.py:113);"
    f"Connection.wait ({SITE}/psycopg/connection.py:495)"
)
FINISH = f"{LOOP};Offloaded._finish ({SERVER}/models/offloaded.py:122)"
UNPICKLE = f"{FINISH};unpickled ({SERVER}/models/messages.py:28)"
HTTP = f"{LOOP};RequestHandler.start ({SITE}/aiohttp/web_protocol.py:602)"
SEND = f"{HTTP};StreamWriter.write ({SITE}/aiohttp/http_writer.py:116)"
WORKS = (
    f"answer ({SERVER}/worker/carry.py:132);carry ({SERVER}/worker/carry.py:50);primes ({CPU}:77)"
)


def stacks(recorded: dict[str, int]) -> list[Stack]:
    return list(parsed(f"{text} {count}" for text, count in recorded.items()))


PLANTED: dict[str, tuple[str, dict[str, int], tuple[str, str, int, float]]] = {
    "primes under thread-pool": (
        "GIL",
        {f"{BUSY}primes ({CPU}:77)": 77, f"{BUSY}primes ({CPU}:76)": 49, ENCODE: 14},
        ("primes", CPU, 77, 0.9),
    ),
    "a regular expression that backtracks": (
        "GIL",
        {f"{PARENT}{BUSY}matches ({MINE}:26)": 140, PARENT + SEND: 10, CHILD + WORKS: 900},
        ("matches", MINE, 26, 0.933),
    ),
    "json.dumps of a large object on the loop": (
        "loop busy",
        {f"{INLINE};report ({MINE}:9);{DUMPS}": 162, SEND: 18, LOOP: 100, IDLE: 300},
        ("report", MINE, 9, 0.9),
    ),
    "a large result of a worker": (
        "loop busy",
        {PARENT + ENCODE: 60, PARENT + UNPICKLE: 31, PARENT + SEND: 9, CHILD + WORKS: 200},
        ("encode", f"{SERVER}/web/handlers.py", 49, 0.6),
    ),
    "a lock": (
        "unknown",
        {f"{BUSY}update ({MINE}:28)": 2938, f"{BUSY}update ({MINE}:29)": 198, IDLE: 9000,
         SITE_THREAD: 300, LOOP: 300},
        ("update", MINE, 28, 1.0),
    ),
    "a blocking call in a coroutine": (
        "loop blocked",
        {f"{LOOP};_carry ({SERVER}/models/on_loop.py:123);nap ({MINE}:35)": 193, LOOP: 4,
         SEND: 7, IDLE: 300},
        ("nap", MINE, 35, 0.965),
    ),
    "SQLite row by row": (
        "contention",
        {f"{BUSY}rows ({SERVER}/workloads/io.py:71);select ({ORDERS}:83)": 1167,
         f"{BUSY}rows ({SERVER}/workloads/io.py:71);select ({ORDERS}:82)": 68,
         f"{BUSY}rows ({SERVER}/workloads/io.py:70)": 65, IDLE: 50},
        ("select", ORDERS, 83, 0.95),
    ),
    "a connection pool": (
        "contention",
        {f"{BUSY}{QUERY}:204);{GETCONN}": 3977, f"{BUSY}{QUERY}:205);{EXECUTE}": 1088,
         f"{BUSY}{QUERY}:205)": 185, IDLE: 9000},
        ("postgres", DATABASE, 204, 0.758),
    ),
    "work in processes": (
        "cores",
        {f"{CHILD}{WORKS}": 180, PARENT + SEND: 20, CHILD + IDLE: 175, PARENT + LOOP: 90,
         f"{BUSY}fetch ({MINE}:9);SocketIO.readinto ({LIB}/socket.py:706)": 500},
        ("primes", CPU, 77, 0.9),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_the_line_that_was_planted_is_guilty(name: str) -> None:
    cause, _, (function, file, line, share) = PLANTED[name]
    guilty = guilty_of(name)
    assert (guilty.function, guilty.file, guilty.line) == (function, file, line)
    assert guilty.kind == kind_of(cause)
    assert guilty.share == pytest.approx(share, abs=0.001)
    assert guilty.own == (function != "encode")


def guilty_of(name: str) -> Guilty:
    cause, recorded, _ = PLANTED[name]
    kind = kind_of(cause)
    guilty = decide(kind, relevant(kind, stacks(recorded)), "/home/user")
    assert guilty
    return guilty


def test_it_says_what_the_line_had_called() -> None:
    guilty = guilty_of("json.dumps of a large object on the loop")
    assert guilty.inside == "JSONEncoder.iterencode (json/encoder.py:258)"
    assert guilty_of("a lock").inside == ""


def test_it_says_what_a_library_waited_for() -> None:
    guilty = guilty_of("a connection pool")
    assert guilty.doing == "for a connection of its pool"
    assert guilty.besides == {"postgres in server/workloads/postgres.py for the database": 0.207}
    assert guilty_of("a lock").doing == ""
    holding = decide("held the GIL", stacks({f"{BUSY}{QUERY}:204);{GETCONN}": 5}))
    assert holding
    assert holding.doing == "", "it waits for nothing"


def test_without_a_line_of_the_workload_it_says_what_the_server_does() -> None:
    guilty = guilty_of("a large result of a worker")
    assert (guilty.doing, guilty.samples) == ("encoding the result as JSON", 100)
    assert guilty.besides == {"unpickling what a worker sent": 0.31}, "9 % say little"


def test_coroutines_that_wait_are_on_no_stack() -> None:
    waiting = stacks({LOOP: 300, IDLE: 900, SITE_THREAD: 300, SEND: 20})
    assert not relevant("waited", waiting)
    assert decide("waited", []) is None


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        (f"{ROOT}/server/workloads/cpu.py", "server/workloads/cpu.py"),
        ("/home/user/app/mine.py", "app/mine.py"),
        ("/elsewhere/mine.py", "mine.py"),
        (f"{LIB}/json/encoder.py", "json/encoder.py"),
        (f"{SITE}/aiohttp/web_app.py", "aiohttp/web_app.py"),
        ("<frozen runpy>", "<frozen runpy>"),
    ],
)
def test_files_have_the_names_that_people_know(file: str, shown: str) -> None:
    assert named(file, "/home/user") == shown


def test_stacks_are_kept_without_what_starts_threads_and_loops() -> None:
    texts = collapsed(stacks({f"{BUSY}update ({MINE}:28)": 5, SEND: 2, LOOP: 1}), "/home/user")
    assert texts == {
        "carry (server/worker/carry.py:50);update (mine.py:28)": 5,
        "RequestHandler.start (aiohttp/web_protocol.py:602);"
        "StreamWriter.write (aiohttp/http_writer.py:116)": 2,
        "_run (server/lifecycle/exits.py:45)": 1,
    }


APP, VENV = "/home/user/shop.py", "/home/user/venv"
UVICORN = (
    f"<module> ({VENV}/bin/uvicorn:8);run ({VENV}/lib/python3.11/site-packages/uvicorn/main.py:632)"
    f";Runner.run ({LIB}/asyncio/runners.py:118)"
)
ROUTE = ";run_endpoint_function (/x/site-packages/fastapi/routing.py:381)"
POOLED = f"Thread.run ({LIB}/threading.py:982);run (/x/site-packages/anyio/_asyncio.py:9)"
SCRIPT = f"<module> ({APP}:90);main ({APP}:80);run_app (/x/site-packages/aiohttp/web.py:530)"


@pytest.mark.parametrize(
    ("cause", "recorded", "line"),
    [
        ("loop blocked", {f"{UVICORN}{ROUTE};block ({APP}:13)": 199, UVICORN: 50}, 13),
        ("pool", {f"{POOLED};wait ({APP}:9)": 90, POOLED: 400, UVICORN: 99}, 9),
        ("one core", {f"{UVICORN}{ROUTE};cpu ({APP}:22)": 90, f"{UVICORN}{ROUTE}": 9}, 22),
        ("pool", {f"{SCRIPT};wait ({APP}:30);get ({LIB}/queue.py:171)": 9, SCRIPT: 900}, 30),
    ],
)
def test_the_handler_of_any_service_is_named(
    cause: str, recorded: dict[str, int], line: int
) -> None:
    kind = kind_of(cause)
    guilty = decide(kind, relevant(kind, stacks(recorded)), "/home/user")
    assert guilty is not None
    assert (guilty.file, guilty.line, guilty.own) == (APP, line, True)
