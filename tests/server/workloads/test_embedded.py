"""The embedded PostgreSQL is private, and leaves nothing behind, however it ends."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from server.workloads import embedded

ROOT = Path(__file__).parents[3]
PATIENCE_S = 30


class Started:
    """The process that starts a database at the first connection, and its folder."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.process = process
        self.port = port
        self.folder = folder

    def address(self) -> str:
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as connection:
            return connection.makefile().read()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def started(folder: Path, path: str = "") -> Iterator[Started]:
    folder.mkdir()
    folder.chmod(0o700)
    with (
        socket.create_server(("127.0.0.1", 0)) as bound,
        subprocess.Popen(
            [sys.executable, "-m", embedded.__name__, str(bound.fileno()), str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            pass_fds=[bound.fileno()],
        ) as process,
    ):
        try:
            yield Started(process, bound.getsockname()[1], folder)
            process.terminate()
            process.wait(PATIENCE_S)
        finally:
            process.kill()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder that may be made where a user called nobody can enter it, on a short path."""
    folder = Path("/tmp") / f"loadbearing-test-{os.getpid()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


ENDS: dict[str, Callable[[subprocess.Popen[bytes]], object]] = {
    "its input ends": lambda process: process.stdin and process.stdin.close(),
    "kill -9": lambda process: process.kill(),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_database_ends_with_its_process(end: str, place: Path) -> None:
    with started(place) as ours:
        address = ours.address()
        assert address == ours.address() == f"host={place} user=postgres dbname=postgres"
        below = ours.children()
        [postgres] = [process for process in below if process.name() == "postgres"][:1]
        assert not postgres.net_connections("inet"), "it does not listen on the network"
        assert postgres.uids().real != 0
        ENDS[end](ours.process)
        assert ours.process.wait(PATIENCE_S) == (-9 if end == "kill -9" else 0)
        assert psutil.wait_procs(below, PATIENCE_S)[1] == []
    # After kill -9, the server deletes the folder, which this test is in place of.
    assert place.exists() == (end == "kill -9")


def test_it_ends_while_it_starts(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # which has no copy of an empty database
    with started(place) as ours:
        deadline = time.monotonic() + PATIENCE_S
        with socket.create_connection(("127.0.0.1", ours.port), PATIENCE_S):
            while not (below := ours.children()):
                assert time.monotonic() < deadline
                time.sleep(0.005)
            ours.process.terminate()
            assert ours.process.wait(PATIENCE_S) == 0
        assert psutil.wait_procs(below, PATIENCE_S)[1] == []
    assert not place.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
def test_it_runs_from_a_folder_that_only_root_can_enter(place: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    root = embedded.programs()
    assert root
    for name in (embedded.WHEEL, embedded.LIBRARIES):
        (tmp_path / name).symlink_to(root.parents[1] / name)
    with started(place, str(tmp_path)) as ours:
        assert ours.address().startswith("host=")
        [first, *_] = [p.exe() for p in ours.children() if p.name() == "postgres"]
        assert Path(first).is_relative_to(place)


def test_the_reason_is_given_where_it_cannot_start(place: Path, tmp_path: Path) -> None:
    programs = tmp_path / embedded.WHEEL / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / embedded.WHEEL / "__init__.py").touch()
    tmp_path.chmod(0o755)
    for name in ("initdb", "postgres"):
        (programs / name).write_text("#!/bin/sh\necho out of luck >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    with started(place, str(tmp_path)) as ours:
        assert ours.address() == (
            "the embedded PostgreSQL cannot start: initdb failed: out of luck"
        )
