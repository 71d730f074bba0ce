"""An answer compares with what people have, and recommends only what keeps promises they need."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.report.verdicts import WorkloadVerdict, judge_workload
from loadtests.run.choice import lacking
from loadtests.run.file.lines import Line, standing_of
from loadtests.slo import Slo
from tests.support.run_files import measured, on, result, standing


def verdict_of(*lines: Line, **wishes: Any) -> WorkloadVerdict:
    known, slo = standing_of(standing(lines)), Slo.parse("p99<250ms")
    return judge_workload("primes", map(measured, lines), known, slo, **wishes)


def test_a_baseline_is_what_one_has() -> None:
    lines = [
        result("primes", "inline", 64, 70),
        result("primes", "thread-pool", 90, 97),
        result("primes", "process-pool", 171, 182),
    ]
    verdict = verdict_of(*lines, baseline="thread-pool")
    assert (verdict.baseline, verdict.beaten) == ("thread-pool", "inline")
    assert "1.9 × (1.8–2.0) thread-pool" in verdict.sentence
    assert verdict.more == pytest.approx((1.888, 1.798, 1.982), abs=1e-3)
    pythons = [on("3.13", line) for line in lines] + [on("3.14", line) for line in lines[:1]]
    verdict = verdict_of(*pythons)
    assert (verdict.pick, verdict.baseline) == ("process-pool · 3.13", "inline · 3.13")


KILLS = {"process-pool": {"kills_late": "the standard pool keeps late work"}}


def test_a_row_without_a_promise_that_is_needed_is_not_recommended() -> None:
    lines = [
        result("primes", "process-pool", 180, 190),
        result("primes", "supervised-process-pool", 178, 188),
        result("primes", "inline", 64, 70),
    ]
    lacks = lacking(("kills_late", "drains"), KILLS | {"inline": {"bounded": "it cannot"}})
    assert lacks == KILLS
    verdict = verdict_of(*lines, lacks=lacks)
    assert (verdict.pick, verdict.unfit) == ("supervised-process-pool", ("process-pool",))
    assert verdict.ties == ("supervised-process-pool",)
    assert verdict.sure == (
        "process-pool does not keep kills-late: the standard pool keeps late work; sure that it "
        "beats inline"
    )
    alone = verdict_of(lines[0], lacks=lacks)
    assert (alone.pick, alone.sentence) == (
        None,
        "`primes`: no row to use: process-pool does not keep kills-late. The standard pool keeps "
        "late work.",
    )


def test_without_the_best_those_tie_that_the_next_does_not_beat() -> None:
    lines = [
        result("primes", "process-pool", 180, 190),
        result("primes", "supervised-process-pool", 130, 140),
        result("primes", "hybrid", 129, 139),
        result("primes", "inline", 64, 70),
    ]
    verdict = verdict_of(*lines, lacks=KILLS)
    assert set(verdict.ties) == {"supervised-process-pool", "hybrid"}
    assert (verdict.beaten, verdict.unfit) == ("inline", ("process-pool",))
