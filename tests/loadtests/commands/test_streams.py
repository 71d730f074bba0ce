"""Terminals that know few letters, readers who leave, and disks that are full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.loadtests.report.test_delivery import LOCALE, SURVIVED, folder, names, shell
from tests.support.run_files import write
from tests.support.server_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folder"]

PAGE = "the page"


@pytest.mark.parametrize(
    "words", [("loadtests", "survive"), ("server",)], ids=lambda words: words[0]
)
def test_help_is_shown_in_ascii(words: tuple[str, ...]) -> None:
    ended = shell('"$@" --help', *words, PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"usage: python -m " in ended.stdout


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_what_a_terminal_cannot_show_is_written_plainly(encoding: str, folder: Path) -> None:
    words = ("compare", str(folder), str(folder))
    ended = shell('"$@"', "loadtests", *words, PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ">= 80" in ended.stdout.decode(encoding)


def test_json_is_utf_8_and_names_are_as_they_were_whatever_the_locale(folder: Path) -> None:
    renamed = folder.rename(folder.with_name("rün"))
    ended = shell('"$@"', "loadtests", "report", "--json", str(renamed), **LOCALE)
    assert (ended.returncode, ended.stderr.decode()) == (0, f"Results: {renamed}\n")
    assert ended.stdout == (renamed / "summary.json").read_bytes()
    assert "≥ 80" in (renamed / "summary.md").read_text(encoding="utf-8")


def test_a_reader_who_leaves_costs_nothing(folder: Path) -> None:
    ended = shell('("$@"; echo $? >&2) | :', "loadtests", "report", str(folder))
    assert ended.stderr == b"0\n"
    assert "report.html" in names(folder)


@pytest.mark.parametrize(
    "words", [("compare", "{}", "{}"), ("--help",)], ids=lambda words: words[0]
)
def test_a_reader_who_leaves_is_not_told(words: tuple[str, ...], folder: Path) -> None:
    given = [word.format(folder) for word in words]
    assert shell('("$@"; echo $? >&2) | :', "loadtests", *given).stderr == b"0\n"


def test_a_full_disk_behind_standard_output_is_told(folder: Path) -> None:
    words = ("compare", str(folder), str(folder), "--format", "json")
    ended = shell('"$@" >/dev/full', "loadtests", *words)
    message = "python -m loadtests: standard output: No space left on device\n"
    assert (ended.returncode, ended.stderr.decode()) == (2, message)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_is_closed_is_no_place_for_a_file(closed: str, folder: Path) -> None:
    page = folder / PAGE
    words = ("compare", str(folder), str(folder), "--output", str(page), "--format", "json")
    ended = shell(f'"$@" {closed}', "loadtests", *words, **LOCALE)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads(page.read_text(encoding="utf-8"))["cells"]


@pytest.mark.parametrize("slo", ["soon", None], ids=["no objective", "a deep nest"])
def test_a_damaged_run_file_is_told_in_a_line(slo: str | None, tmp_path: Path) -> None:
    if slo:
        write(tmp_path / "run.jsonl", [{**SURVIVED[0], "slo": slo}])
    else:
        (tmp_path / "run.jsonl").write_text("[" * 100_000 + "\n")
    ended = shell('"$@"', "loadtests", "report", str(tmp_path))
    [line] = ended.stderr.decode().splitlines()
    assert ended.returncode == 2
    assert "run.jsonl, line 1: " in line


def test_locust_reads_our_configuration_in_any_locale() -> None:
    assert (ROOT / "pyproject.toml").read_bytes().isascii()
