"""How a master takes in the messages of its workers, whichever of them come, and when."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from loadtests.load.answer import Answer
from loadtests.load.distributed import master, worker
from loadtests.load.distributed.master import Job, WorkerShare

FINE = Answer(0.1, 0.1, 0.2, "ok", 200)
REST = [0.25, 1.0, False, True, 9.0, 0.5, 4]


def after(share: WorkerShare, *messages: dict[str, Any]) -> WorkerShare:
    for message in messages:
        share.take(message)
    return share


def test_answers_come_in_pieces_and_count_once_all_are_there() -> None:
    part = {"stream": 0, "answers": [list(FINE)] * 2}
    share = after(WorkerShare("one"), {"losses": [3, 0]}, part, part, {"stream": 1, "answers": []})
    assert (share.losses, share.done, share.result()) == ([3, 0], False, None)
    result = after(share, {"rest": REST}).result()
    assert share.done
    assert result
    assert result.streams == ((FINE,) * 4, ())
    assert (result.generator_cpu, result.reached_s) == (0.25, 1.0)
    assert (result.early, result.drained) == (False, True)
    assert (result.zero, result.cpu_s, result.completed) == (9.0, 0.5, 4)


def test_messages_about_an_earlier_load_and_from_strangers_are_ignored() -> None:
    job = Job(2, ["known"])
    for name, number in (("known", 1), ("stranger", 2)):
        job.take(name, {"number": number, "rate": 9.0})
    assert not job.workers["known"].done
    job.take("known", {"number": 2, "rate": 9.0})
    assert (job.workers["known"].done, job.workers["known"].rate) == (True, 9.0)


def test_a_worker_that_is_silent_for_long_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    share = WorkerShare("one")
    assert not share.silent
    monkeypatch.setattr(master, "SILENT_S", -1.0)
    assert share.silent


@pytest.mark.parametrize(
    ("boot", "ahead_s", "where"),
    [
        ("this", 0.0, (True, False)),
        ("this", 60.0, (False, False)),  # a clock of its own on the same machine, in a container
        ("other", 0.0, (False, True)),
        (None, 0.0, (False, False)),
    ],
)
def test_a_clock_is_shared_on_one_machine_alone(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    boot: str | None,
    ahead_s: float,
    where: tuple[bool, bool],
) -> None:
    (tmp_path / "boot_id").write_text("this\n")
    monkeypatch.setattr(worker, "BOOT_ID", tmp_path / "boot_id")
    share = after(WorkerShare("one"), {"ready": [boot, monotonic() + ahead_s]})
    assert (share.ready, (share.beside, share.elsewhere)) == (True, where)


def test_without_a_boot_id_nothing_is_known_about_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker, "BOOT_ID", tmp_path / "nothing")
    assert worker.boot_id() is None
    share = after(WorkerShare("one"), {"ready": ["other", monotonic()]})
    assert (share.beside, share.elsewhere) == (False, False)
