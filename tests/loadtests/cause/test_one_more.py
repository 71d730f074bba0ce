"""One more cause is one `Rule` of a tuple: diagnosis, reports and proofs follow from it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from loadtests.cause import rules
from loadtests.cause.remedy import Remedy, unproven
from loadtests.cause.rules import RULES, Rule, diagnose
from loadtests.cause.symptoms import Finding, Symptoms
from loadtests.cell import Cell
from loadtests.load.source import InProcess
from loadtests.machine.sentinel import Sentinel
from loadtests.report.summary import summarize
from loadtests.report.survival.files import SurvivalReport
from loadtests.report.survival.markdown import markdown
from loadtests.report.survival.terminal import final
from loadtests.run.file.fold import read
from loadtests.run.options import Options
from loadtests.run.survival.prove import prove
from loadtests.run.survival.row import Tools
from loadtests.service.launcher import Launcher
from loadtests.service.options import ServerOptions
from tests.support.evidence_examples import CALM, GIL
from tests.support.finished_report import printed, reported
from tests.support.run_files import plan, result, write

SENTENCE = "the licence server was busy 97 % of the time"
CELL = Cell("primes", "inline")
# The server refuses so few threads: this is how a proof shows that it has tried the change.
MORE_LICENCES = Remedy("2 licences instead of 1", {"threads": "0"}, {}, None, (1.5, 2.5))


def find(symptoms: Symptoms) -> Finding | None:
    if symptoms.evidence != CALM:
        return None
    return Finding("licence", SENTENCE, {"licence_busy": 0.97})


def add(monkeypatch: pytest.MonkeyPatch, rule: Rule) -> None:
    monkeypatch.setattr(rules, "RULES", (rule, *RULES))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the line of a cell that broke by the new cause."""
    add(monkeypatch, Rule("licence", find, lambda _: MORE_LICENCES))
    cause = diagnose(CALM)
    return result(
        *("primes", "inline", 50, 55, "late"),
        blamed=cause.name, cause_evidence=asdict(cause), evidence=asdict(CALM),
    )  # fmt: skip


def test_it_is_found_and_others_still_are(line: dict[str, Any]) -> None:
    assert (line["blamed"], line["cause_evidence"]["sentence"]) == ("licence", SENTENCE)
    assert diagnose(GIL).name == "GIL"


def test_every_report_names_it(line: dict[str, Any], tmp_path: Path) -> None:
    summary = summarize(read(write(tmp_path / "run.jsonl", [plan([CELL]), line])))
    reported(tmp_path, SurvivalReport)
    files = (tmp_path / name for name in ("summary.md", "summary.json", "report.html"))
    reports = [*(file.read_text() for file in files), printed(final(summary, verbose=True), 120)]
    for text in (markdown(summary), *reports):
        assert SENTENCE in " ".join(text.split())
        assert "licence" in text.replace(SENTENCE, "")


def test_it_is_proved_by_its_remedy(
    line: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = Launcher(ServerOptions(), None, tmp_path / "server.log")
    tools = Tools(Options(), Sentinel(), InProcess(), 1e6, lambda *_: None)
    proof = prove(tools, services, CELL, line, lambda *_: None)
    assert proof["change"] == MORE_LICENCES.change
    assert proof["reason"].startswith(f"with {MORE_LICENCES.change}: the server did not start")
    add(monkeypatch, Rule("licence", find, unproven("there is only one licence")))
    proof = prove(tools, services, CELL, line, lambda *_: None)
    assert proof == {"reason": "there is only one licence"}
