"""What CI servers read: JUnit XML, GitHub's summary of a step, and its annotations."""

import json
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from loadtests.report.check import Check, code_of
from loadtests.report.github import CUT, MOST, append, workflow_commands
from loadtests.report.junit import junit
from tests.loadtests.report.test_compare_output import SLOWER
from tests.support import cli
from tests.support.run_files import FULL, FULL_RESULTS, result, write

HOSTILE = 'a<b>&"\x00\x1b[31m\ud800\nc: 5 %, ☃'
HOLDS = Check("orders", "sustains 200 req/s", "holds", "It does.", {"low": 210.0, "cause": None})
FAILS = Check("orders", "b", "fails", HOSTILE)
UNSURE = Check(HOSTILE, HOSTILE, "cannot tell", "Too noisy.")


def test_the_worst_answer_decides() -> None:
    assert code_of([HOLDS]) == 0
    assert code_of([HOLDS, UNSURE]) == 3
    assert code_of([UNSURE, FAILS, HOLDS]) == 1
    assert code_of([]) == 3


def test_each_check_is_a_test_case_and_the_document_is_well_formed() -> None:
    text = junit("scripts/survive", [HOLDS, FAILS, UNSURE], {"machine": HOSTILE}, "2026-11-22")
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>\n<testsuites ')
    root = Tree.fromstring(text.encode())
    [suite] = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    for element in (root, suite):
        counts = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    assert (suite.get("name"), suite.get("timestamp")) == ("scripts/survive", "2026-11-22")
    shown = HOSTILE.translate(dict.fromkeys((0x00, 0x1B, 0xD800), "\N{REPLACEMENT CHARACTER}"))
    assert suite[0][0].attrib == {"name": "machine", "value": shown}
    held, failed, skipped = suite.findall("testcase")
    assert held.attrib == {"classname": "orders", "name": "sustains 200 req/s"}
    properties = {entry.get("name"): entry.get("value") for entry in held[0]}
    assert properties == {"low": "210.0", "sentence": "It does."}
    assert [child.tag for child in failed] == ["properties", "failure"]
    assert (failed[1].get("message"), failed[1].text) == (shown, shown)
    assert [child.tag for child in skipped] == ["properties", "skipped"]
    assert skipped[1].get("message") == "Too noisy."


def test_a_step_summary_takes_whole_lines_up_to_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    append(file, "one\n")
    append(file, "two\n")
    assert file.read_text() == "one\ntwo\n"
    append(file, "ü is a line\n" * 200_000)
    text = file.read_text()
    assert MOST - 20 < len(text.encode()) <= MOST
    assert text.endswith(f"ü is a line{CUT}")
    append(file, "no room for this line\n" * 5)
    assert file.read_text() == text


def test_annotations_are_one_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert list(workflow_commands([FAILS])) == []
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    failed, unsure = workflow_commands([HOLDS, FAILS, UNSURE])
    assert failed.startswith("::error title=orders b::a<b>&")
    assert failed.endswith("%0Ac: 5 %25, ☃")
    assert unsure.startswith("::warning title=a<b>&")
    assert "%0Ac%3A 5 %25%2C ☃ a<b>" in unsure
    assert "\n" not in failed + unsure


def test_compare_reports_to_ci_servers(tmp_path: Path) -> None:
    lost = {**result("sleep", "hybrid", None, None, error="no answer"), "at": 31.0}
    changed = [lost if line["model"] == "hybrid" and line["workload"] == "sleep" else line
               for line in SLOWER]  # fmt: skip
    for name, lines in (("a", FULL_RESULTS), ("b", changed)):
        write(tmp_path / name / "run.jsonl", [FULL[0], *lines, FULL[-1]])
    file, summary = tmp_path / "new" / "junit.xml", tmp_path / "step.md"
    folders = [str(tmp_path / name) for name in "ab"]
    ended = cli.run(
        *("loadtests", "compare", *folders, "--junit", str(file), "--format", "json"),
        GITHUB_STEP_SUMMARY=str(summary), GITHUB_ACTIONS="true",
    )  # fmt: skip
    assert ended.code == 1
    assert json.loads(ended.out)["regressions"] == 1
    [annotation] = ended.err.splitlines()
    assert annotation.startswith(
        "::error title=primes thread-pool::`primes` under thread-pool in b"
    )
    suite = Tree.parse(file).getroot()[0]
    assert (suite.get("name"), suite.get("failures")) == ("scripts/compare", "1")
    reasons = {
        f"{case.get('classname')}/{case.get('name')}": str(skipped.get("message"))
        for case in suite.findall("testcase")
        for skipped in case.findall("skipped")
    }
    assert reasons.keys() == {"sleep/async", "sleep/hybrid", "scrape/inline"}
    assert reasons["sleep/hybrid"] == "`sleep` under hybrid in b: no result (no answer)."
    assert "the load generator was the limit in both runs" in reasons["sleep/async"]
    assert summary.read_text().startswith("# b against a")


def test_a_junit_file_that_is_a_folder_is_refused_before_anything_else(tmp_path: Path) -> None:
    for words in (["compare", "no", "where"], ["survive"]):
        ended = cli.run("loadtests", *words, "--junit", str(tmp_path))
        assert (ended.code, ended.out) == (2, "")
        assert f"{tmp_path} is a folder; --junit takes a file, e.g. {tmp_path}/" in ended.err
