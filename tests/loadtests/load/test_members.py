"""What a master makes of the words of its workers, whichever of them come, and when."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from loadtests.load.answer import Answer
from loadtests.load.distributed import members
from loadtests.load.distributed.members import Job, WorkerShare

FINE = Answer(0.1, 0.1, 0.2, "ok", 200)
REST = [0.25, 1.0, False, True]


def told(member: WorkerShare, *words: dict[str, Any]) -> WorkerShare:
    for said in words:
        member.hear(said)
    return member


def test_answers_come_in_pieces_and_count_once_all_are_there() -> None:
    some = {"stream": 0, "answers": [list(FINE)] * 2}
    member = told(WorkerShare("one"), {"losses": [3, 0]}, some, some, {"stream": 1, "answers": []})
    assert (member.losses, member.done, member.offered()) == ([3, 0], False, None)
    offered = told(member, {"rest": REST}).offered()
    assert member.done
    assert offered
    assert offered.streams == ((FINE,) * 4, ())
    assert (offered.generator_cpu, offered.reached_s) == (0.25, 1.0)
    assert (offered.early, offered.drained) == (False, True)


def test_words_on_an_earlier_load_and_of_strangers_are_not_heard() -> None:
    one = Job(2, ["known"])
    for name, number in (("known", 1), ("stranger", 2)):
        one.hear(name, {"number": number, "rate": 9.0})
    assert not one.members["known"].done
    one.hear("known", {"number": 2, "rate": 9.0})
    assert (one.members["known"].done, one.members["known"].rate) == (True, 9.0)


def test_who_says_nothing_for_long_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    member = WorkerShare("one")
    assert not member.silent
    monkeypatch.setattr(members, "SILENT_S", -1.0)
    assert member.silent


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
    monkeypatch.setattr(members, "BOOT_ID", tmp_path / "boot_id")
    member = told(WorkerShare("one"), {"ready": [boot, monotonic() + ahead_s]})
    assert (member.ready, (member.beside, member.elsewhere)) == (True, where)


def test_where_no_boot_is_named_nothing_is_known_of_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(members, "BOOT_ID", tmp_path / "nothing")
    assert members.boot_id() is None
    member = told(WorkerShare("one"), {"ready": ["other", monotonic()]})
    assert (member.beside, member.elsewhere) == (False, False)
