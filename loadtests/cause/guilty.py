"""The line of code that did it: what most of the samples of a service at its limit agree on.

Of each stack, the innermost call of the workload's own code counts, because that is what its author
can change. Where a stack has none, the server itself works, for example to encode a result.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from loadtests.paths import ROOT
from loadtests.service.stacks import ACTIVE, ALL, GIL_HOLDERS, Frame, Stack

Kind = Literal["held the GIL", "blocked the loop", "computed", "waited"]
KINDS: dict[str, Kind] = {
    "GIL": "held the GIL",
    "one core": "held the GIL",
    "payload": "held the GIL",
    "loop busy": "blocked the loop",
    "loop blocked": "blocked the loop",
    "cores": "computed",
    "neighbour": "computed",
    "CPU quota": "computed",
}
# A blocked loop may be asleep, as what waits is.
THREADS: dict[Kind, tuple[str, ...]] = {
    "held the GIL": GIL_HOLDERS,
    "blocked the loop": ALL,
    "computed": ACTIVE,
    "waited": ALL,
}
PACKAGES = r"(?:site|dist)-packages/"
LIBRARY = re.compile(rf"/lib(?:64)?/python\d[\d.]*t?/(?:{PACKAGES})?|/{PACKAGES}")
SERVER = f"{ROOT / 'server'}/"
WORKLOADS = f"{SERVER}workloads/"
CALLS_WORK = (f"{SERVER}worker/", f"{SERVER}models/")
LOOP = f"{SERVER}lifecycle/"
RUNNERS = ("/asyncio/runners.py", "/asyncio/base_events.py", "/uvloop/__init__.py")
POLLS = ("/selectors.py", *RUNNERS)  # the innermost calls of a loop at rest
# The innermost calls of a thread that waits, which may look active to a sampler.
WAITS = (*POLLS, "/socket.py", "/ssl.py", "/threading.py", "/queue.py", "/urllib3/util/wait.py")
# What calls of the server and of the standard library do for it, by the ends of their names.
DOING = (
    ("server/web/handlers.py", "encode", "encoding the result as JSON"),
    ("server/models/messages.py", "unpickled", "unpickling what a worker sent"),
    ("multiprocessing/connection.py", "recv", "unpickling what a worker sent"),
    ("multiprocessing/reduction.py", "dumps", "pickling what is sent to a worker"),
    ("aiohttp/http_writer.py", "", "sending answers"),
    ("aiohttp/web_protocol.py", "", "handling HTTP"),
    ("server/lifecycle/exits.py", "_run", "reading and writing sockets"),
)
# What the calls of a library wait for, by the ends of their names.
AWAITED = (
    ("/psycopg_pool/pool.py", "getconn", "for a connection of its pool"),
    ("/psycopg2/pool.py", "getconn", "for a connection of its pool"),
    ("/sqlalchemy/pool/impl.py", "_do_get", "for a connection of its pool"),
    ("/urllib3/connectionpool.py", "_get_conn", "for a connection of its pool"),
    ("/httpcore/_sync/connection_pool.py", "wait_for_connection", "for a connection of its pool"),
    ("/redis/connection.py", "get_connection", "for a connection of its pool"),
    ("/psycopg/connection.py", "wait", "for the database"),
)
MOST_STACKS = 60  # that are kept
MOST_BESIDES, LEAST_BESIDES = 3, 0.1  # how many, and their share


class Culprit(NamedTuple):
    """A function, and the call of it that is innermost.

    `doing` says what it does, or what the workload waits for in it, if that is known.
    """

    frame: Frame
    own: bool
    doing: str = ""


@dataclass(frozen=True, slots=True)
class Guilty:
    """The function that most samples were in, the line that it was at most often, and what it did.

    `share` is that of the function in the samples that matter. `own` says whether the workload's
    author wrote it; `doing` is what the server's own code does there, or what the workload's waits
    for; `inside` is what it had called,
    `besides` are the shares of what else took time.
    """

    kind: Kind
    function: str
    file: str
    line: int
    share: float
    samples: int
    own: bool = True
    code: str = ""
    doing: str = ""
    inside: str = ""
    besides: Mapping[str, float] = field(default_factory=dict)


def kind_of(cause: str) -> Kind:
    """Say what the guilty line did, from the cause of a cell."""
    return KINDS.get(cause, "waited")


def relevant(kind: Kind, stacks: Iterable[Stack]) -> list[Stack]:
    """Leave out the stacks that cannot be to blame: idle threads, and other processes."""
    stacks = list(stacks)
    if kind == "waited":
        return [stack for stack in stacks if _in_workload(stack)]
    if kind == "computed":
        active = (stack for stack in stacks if not stack.frames[-1].file.endswith(WAITS))
        return [s for s in active if _in_workload(s) or (_on_loop(s) and not _polls(s))]
    loops = {stack.pid for stack in stacks if _on_loop(stack)}
    if kind == "held the GIL":  # each process has a GIL of its own
        return [stack for stack in stacks if stack.pid in loops or not loops]
    return [stack for stack in stacks if _on_loop(stack) and not _polls(stack)]


def decide(kind: Kind, stacks: Sequence[Stack], folder: str = str(ROOT)) -> Guilty | None:
    """Choose the function that most relevant samples blame; None if there are none.

    Files of the user are named relative to `folder`, except that of the guilty function.
    """
    samples = sum(stack.times for stack in stacks)
    if not samples:
        return None
    blamed: defaultdict[str, Counter[tuple[Culprit, Frame]]] = defaultdict(Counter)
    for stack in stacks:
        culprit = _culprit(stack, kind)
        blamed[_title(culprit, folder)][culprit, stack.frames[-1]] += stack.times
    (_, most), *rest = sorted(blamed.items(), key=lambda item: -item[1].total())
    (frame, own, doing), last = most.most_common(1)[0][0]
    return Guilty(
        kind,
        frame.function,
        frame.file,
        frame.line,
        round(most.total() / samples, 3),
        samples,
        own=own,
        doing=doing,
        inside=_called(last) if last != frame else "",
        besides={
            title: round(counts.total() / samples, 3)
            for title, counts in rest[:MOST_BESIDES]
            if counts.total() >= LEAST_BESIDES * samples
        },
    )


def collapsed(stacks: Iterable[Stack], folder: str = str(ROOT)) -> dict[str, int]:
    """Return the most frequent stacks as text, without the calls above the server's own."""
    texts: Counter[str] = Counter()
    for stack in stacks:
        calls = [
            f"{frame.function} ({named(frame.file, folder)}:{frame.line})"
            for frame in _below_start(stack.frames)
        ]
        texts[";".join(calls)] += stack.times
    return dict(texts.most_common(MOST_STACKS))


def named(file: str, folder: str) -> str:
    """Return the path of a file as people know it."""
    if "/" not in file:  # "<frozen runpy>", a native library
        return file
    if library := LIBRARY.search(file):
        return file[library.end() :]
    for parent in (f"{ROOT}/", f"{folder}/"):
        if file.startswith(parent):
            return file.removeprefix(parent)
    return file.rpartition("/")[2]


def _culprit(stack: Stack, kind: Kind) -> Culprit:
    for frame in reversed(stack.frames if _ours(stack) else _handlers(stack.frames)):
        if _own(frame.file):
            return Culprit(
                frame, own=True, doing=_awaited(stack.frames) if kind == "waited" else ""
            )
    for frame in reversed(stack.frames):
        for file, function, doing in DOING:
            if frame.file.endswith(file) and frame.function.endswith(function):
                return Culprit(frame, own=False, doing=doing)
        if frame.file.startswith(SERVER) and frame.file != f"{SERVER}__main__.py":
            return Culprit(frame, own=False)
    return Culprit(stack.frames[-1], own=False)


def _awaited(frames: Sequence[Frame]) -> str:
    """Say what a library that the workload has called waits for; empty if that is not known."""
    for frame in reversed(frames):
        if _own(frame.file):
            break
        for file, function, what in AWAITED:
            if frame.file.endswith(file) and frame.function.endswith(function):
                return what
    return ""


def _title(culprit: Culprit, folder: str) -> str:
    frame, own, doing = culprit
    place = f"{frame.function} in {named(frame.file, folder)}"
    return f"{place} {doing}".rstrip() if own else doing or place


def _own(file: str) -> bool:
    """Whether a file is code of a workload, which may be one that comes with the server."""
    if file.startswith(SERVER):
        registry = file.endswith(("/__init__.py", "/registry.py"))
        return file.startswith(WORKLOADS) and not registry
    return "/" in file and not LIBRARY.search(file)


def _ours(stack: Stack) -> bool:
    """Whether it is one of our own server: code of a library calls that of other services."""
    return any(frame.file.startswith(SERVER) for frame in stack.frames)


def _handlers(frames: Sequence[Frame]) -> list[Frame]:
    """List the calls that a library has made into code of a service, such as its handlers.

    What starts a service, or imports it, is not a handler.
    """
    libraries = (n for n, frame in enumerate(frames) if LIBRARY.search(frame.file))
    first = next(libraries, len(frames))
    inside = frames[first:]
    imports = [n for n, frame in enumerate(inside) if frame.function == "<module>"]
    rest = inside[imports[-1] + 1 :] if imports else inside
    return [frame for frame in rest if _own(frame.file)]


def _in_workload(stack: Stack) -> bool:
    """Whether a stack is inside a workload that the server has called, or in a handler."""
    if not _ours(stack):
        return bool(_handlers(stack.frames))
    files = [frame.file for frame in stack.frames]
    begins = next((n for n, file in enumerate(files) if file.startswith((*CALLS_WORK, LOOP))), None)
    return begins is not None and any(map(_own, files[begins:]))


def _on_loop(stack: Stack) -> bool:
    if not _ours(stack):
        return any(frame.file.endswith(RUNNERS) for frame in stack.frames)
    return any(frame.file == f"{LOOP}event_loops.py" for frame in stack.frames)


def _polls(stack: Stack) -> bool:
    last = stack.frames[-1].file
    return last.startswith(LOOP) or last.endswith(POLLS)


def _below_start(frames: Sequence[Frame]) -> Iterator[Frame]:
    """Leave out what starts threads and loops."""
    starts = [n for n, frame in enumerate(frames) if frame.file.startswith(LOOP)]
    rest = frames[starts[-1] + 1 :] if starts else frames
    first = (n for n, frame in enumerate(rest) if frame.file.startswith(SERVER) or _own(frame.file))
    yield from rest[next(first, 0) :] or frames[-1:]


def _called(frame: Frame) -> str:
    return f"{frame.function} ({named(frame.file, str(ROOT))}:{frame.line})"
