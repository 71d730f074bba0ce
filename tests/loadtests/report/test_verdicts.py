"""A verdict says what the rounds allow, and no more; figures read as what is known of them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.estimate import Range
from loadtests.paths import ROOT
from loadtests.report.next_steps import next_steps
from loadtests.report.summary import summarize
from loadtests.report.verdicts import WORDS, judge_workload, leaders
from loadtests.report.wording import ratio_text
from loadtests.run.choice import PARTS
from loadtests.run.file.cells import RowRatio
from loadtests.run.file.fold import read
from loadtests.run.file.lines import Line, standing_of
from loadtests.slo import Slo
from tests.support.run_files import NO_TWIN, measured, on, result, standing, unavailable

SLO = Slo.parse("p99<250ms")
ABSENT = unavailable("primes", "async", NO_TWIN)
UNSTARTED = result("primes", "inline", None, None, error="the server did not start")
RATIO = re.compile(r"(at least )?([\d.]+) ×( \(([\d.]+)–([\d.]+)\))?")
GIL: dict[str, Any] = {
    "blamed": "GIL",
    "cause_evidence": {"sentence": "the GIL was held 88 % of the time"},
}
POOL: dict[str, Any] = {
    "blamed": "pool",
    "cause_evidence": {"sentence": "16 slots were full while 1 core was idle"},
}
LATE: dict[str, Any] = {"blamed": "?", "cause_evidence": {"sentence": "late requests queued"}}
FULL: dict[str, Any] = {"blamed": "?", "cause_evidence": {"sentence": "requests queued"}}
SLOW = result("scrape", "inline", 0, 4, "late", **LATE)
MORE_THREADS = {
    "change": "32 threads instead of 16",
    "option": "--threads 32",
    "predicted": [1.7, 2.3],
    "because": "16 threads ÷ 10 ms end at 1600/s",
}


def verdict_of(*lines: Line, wishes: Mapping[str, Any] | None = None, **changes: Any) -> Any:
    results = [measured(line) for line in lines]
    known = standing_of(standing(lines, **changes))
    return judge_workload(results[0].workload, results, known, SLO, **(wishes or {}))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (  # a clear winner: its ratio to what people have and to the next best, and why
            [
                result("primes", "inline", 64, 70, "bystander"),
                result("primes", "thread-pool", 90, 97, "late", **GIL),
                result("primes", "process-pool", 171, 182, "late"),
            ],
            "`primes` → use process-pool: 171–182 req/s, 2.6 × (2.5–2.8) inline and 1.9 × "
            "(1.8–2.0) thread-pool. Under thread-pool, the GIL was held 88 % of the time. Sure "
            "that it beats the others.",
        ),
        (  # the baseline itself is the pick: the ratio to the best that it beats
            [
                result("noop", "inline", 900, 950),
                result("noop", "thread-pool", 450, 480, **GIL),
            ],
            "`noop` → use inline: 900–950 req/s, 2.0 × (1.9–2.1) thread-pool. Under thread-pool, "
            "the GIL was held 88 % of the time. Sure that it beats thread-pool.",
        ),
        (  # the pool has fewer parts than the hybrid that uses it
            [
                result("primes", "hybrid", 172, 183, "late"),
                result("primes", "process-pool", 171, 182, "late"),
                result("primes", "inline", 64, 70, "late", **GIL),
            ],
            "`primes` → use process-pool: 171–182 req/s, 2.6 × (2.5–2.8) inline. Under inline, the "
            "GIL was held 88 % of the time. Ties with hybrid, but has fewer parts; sure that it "
            "beats inline.",
        ),
        (  # no ratio of rows that tie: what they cost decides
            [
                result("sleep", "thread-pool", 90, 110, "late", **LATE, cpu_ms_per_request=0.282),
                result("sleep", "process-pool", 100, 120, "late", **LATE, cpu_ms_per_request=0.64),
            ],
            "`sleep` → use thread-pool: 90–110 req/s. At higher rates, late requests queued. Ties "
            "with process-pool, but takes 0.28 ms of CPU per request instead of 0.64.",
        ),
        (
            [
                result("sleep", "thread-pool", 90, 110, "late", **LATE, pss_mib=39.2),
                result("sleep", "process-pool", 100, 120, "late", **LATE, pss_mib=70.1),
                result("sleep", "hybrid", 95, 105, "late", **LATE, pss_mib=72.0),
            ],
            "`sleep` → use thread-pool: 90–110 req/s. At higher rates, late requests queued. Ties "
            "with process-pool and hybrid, but takes 39 MiB of memory instead of 70 or more.",
        ),
        (  # both at the limit of the generator: a result all the same
            [
                result("checksum", "thread-pool", 2000, None, cpu_ms_per_request=0.25),
                result("checksum", "process-pool", 2000, None, cpu_ms_per_request=0.52),
            ],
            "`checksum` → use thread-pool: at least 2000 req/s (the generator's limit). With "
            "`--generators 4`, the load generator offers more. Ties with process-pool, but "
            "takes 0.25 ms of CPU per request instead of 0.52.",
        ),
        (  # at the limit, the least that it can be
            [
                result("sleep", "async", 1310, None),
                result("sleep", "thread-pool", 148, 160, "late", **POOL),
            ],
            "`sleep` → use async: at least 1310 req/s (the generator's limit), at least 8.1 × "
            "thread-pool. Under thread-pool, 16 slots were full while 1 core was idle. If your "
            "driver blocks, use thread-pool. Sure that it beats thread-pool.",
        ),
        (
            [result("sleep", "async", 1310, None)],
            "`sleep` → async: at least 1310 req/s (the generator's limit). With "
            "`--generators 4`, the load generator offers more.",
        ),
        (  # alone: no comparison, but why and what next
            [result("sleep", "thread-pool", 1420, 1500, "late", **POOL, remedy=MORE_THREADS)],
            "`sleep` → thread-pool: 1420–1500 req/s. Above 1500 req/s, 16 slots were full while 1 "
            "core was idle. 16 threads ÷ 10 ms end at 1600/s; `--threads 32`: about 2480–3360 "
            "req/s (estimate).",
        ),
        (  # what is unfinished comes last, and is compared with nothing
            [
                result("sleep", "async", 88, 95, "refused", **FULL),
                result("sleep", "inline", None, None, error="no answer", predicted=195.0),
                result("sleep", "hybrid", None, None, error="no answer"),
            ],
            "`sleep` → async: 88–95 req/s. Above 95 req/s, requests queued. Unfinished: inline "
            "and hybrid.",
        ),
        (
            [SLOW, result("scrape", "hybrid", None, None, error="no answer")],
            "`scrape`: inline sustains no load at p99<250ms: even 4 req/s is too much (late "
            "requests queued). Relax --slo (now p99<250ms), or make the work faster. Unfinished: "
            "hybrid.",
        ),
        (
            [SLOW, result("scrape", "hybrid", 0, 6, "late", **LATE, remedy=MORE_THREADS | {
                "option": "", "advice": "make the work faster, or allow it more time (--slo)"})],
            "`scrape`: no row sustains any load at p99<250ms: even 6 req/s is too much (late "
            "requests queued). Relax --slo (now p99<250ms), or make the work faster.",
        ),
        (
            [SLOW, result("scrape", "hybrid", 52, 56, "late")],
            "`scrape` → use hybrid: 52–56 req/s, inline sustains none. Under inline, late "
            "requests queued. Sure that it beats inline.",
        ),
        ([ABSENT], f"`primes`: none of the requested models is available: {NO_TWIN}."),
        ([ABSENT, UNSTARTED], "`primes`: no result in this run."),
    ],
)  # fmt: skip
def test_a_verdict_says_what_the_intervals_allow(lines: list[Line], sentence: str) -> None:
    assert verdict_of(*lines).sentence == sentence


@pytest.mark.parametrize(
    ("proof", "step"),
    [
        ({}, "`--threads 32`: about 170–230 req/s (estimate)"),
        ({"stands": True, "measured": [1.85, 2.14]},
         "`--threads 32`: 1.85–2.14 × as much (measured)"),
        ({"stands": True, "measured": [1.85, None]},
         "`--threads 32`: at least 1.85 × as much (measured)"),
        ({"stands": False, "sentence": "withdrawn: it was 1.00–1.05 ×"},
         "the cause is open: withdrawn: it was 1.00–1.05 ×"),
        ({"reason": "the server did not start"}, "`--threads 32`: about 170–230 req/s (estimate)"),
    ],
)  # fmt: skip
def test_a_proof_takes_the_place_of_the_estimate(proof: Mapping[str, Any], step: str) -> None:
    line = result("sleep", "thread-pool", 99.9, 100.1, remedy=MORE_THREADS)
    cell = replace(measured(line), proof=proof and {"change": MORE_THREADS["change"], **proof})
    assert next_steps(cell)[-1 if "estimate" in step else 0] == step


KILLS = {"process-pool": {"kills_late": "the standard pool keeps late work"}}
CLAUSES = st.lists(
    st.sampled_from(["the", "work", "held", "9.3", "ms;", "while", "(all"]), max_size=40
)
ROWS = [f"{model} · {python}" for model in PARTS for python in ("3.13", "3.14t")]


@st.composite
def cells(draw: st.DrawFn) -> list[Line]:
    """Draw rows of one workload in all states, with causes and remedies of any length."""
    lines: list[Line] = []
    for row in draw(st.lists(st.sampled_from(ROWS), min_size=1, max_size=14, unique=True)):
        model, _, python = row.partition(" · ")
        low = draw(st.none() | st.just(0.0) | st.floats(1, 3000))
        high = draw(st.none() | st.floats(1.0, 1.5)) if low else 1.0
        cause = " ".join(draw(CLAUSES))
        line = on(python, result("w", model, low, high and (low or 4.0) * high, "late"))
        if draw(st.booleans()):
            line |= {"blamed": "GIL", "cause_evidence": {"sentence": cause}}
        remedy = draw(st.sampled_from([{}, MORE_THREADS, {"advice": cause, "reason": cause}]))
        line |= {"remedy": remedy, "cpu_ms_per_request": draw(st.none() | st.floats(0.01, 50))}
        lines.append(line)
    return lines


@given(cells(), st.sampled_from([{}, {"lacks": KILLS}, {"about": "pages=2, delay=5"}]))
def test_an_answer_is_short_and_each_ratio_in_it_has_an_interval(
    lines: list[Line], wishes: Mapping[str, Any]
) -> None:
    verdict = verdict_of(*lines, wishes=wishes)
    assert len(verdict.sentence.split()) <= WORDS
    texts = {ratio_text(ratio) for ratio in (verdict.ratio, verdict.more) if ratio}
    assert {match[0] for match in RATIO.finditer(verdict.sentence)} <= texts
    assert all(match[1] or match[3] for match in RATIO.finditer(verdict.sentence))
    if verdict.pick:
        assert f"{verdict.pick}: {verdict.rate}" in verdict.sentence
    else:
        assert {verdict.ratio, verdict.more} == {None}
    for row in verdict.unfinished[:1]:
        assert verdict.pick is None or row not in verdict.ties


def test_the_published_runs_have_short_answers() -> None:
    for path in (ROOT / "loadtests" / "published" / "runs").glob("*/run.jsonl"):
        for verdict in summarize(read(path)).verdicts:
            assert len(verdict.sentence.split()) <= WORDS
            assert verdict.pick
            assert verdict.why


LOW = st.just(0.0) | st.floats(0.01, 1e4)


@given(st.lists(st.tuples(LOW, st.floats(0.1, 1e4)), min_size=1, max_size=6))
def test_the_best_and_all_that_tie_with_it_come_from_the_standing(
    pairs: list[tuple[float, float]],
) -> None:
    lines = [result("w", f"m{i}", low, low + gap) for i, (low, gap) in enumerate(pairs)]
    verdict, known = verdict_of(*lines), standing_of(standing(lines))
    if verdict.pick is None:
        assert all(measured(line).held == 0 for line in lines)
        return
    assert verdict.pick == verdict.ties[0]
    assert set(known.ties) <= set(verdict.ties)
    if verdict.beaten:
        assert verdict.beaten not in verdict.ties
        assert verdict.ratio == known.ratio(verdict.pick, verdict.beaten)


def test_a_factor_is_that_of_the_rounds_not_the_quotient_of_two_capacities() -> None:
    lines = [result("sleep", "async", 300, 320), result("sleep", "inline", 100, 110)]
    other = [RowRatio("inline", "async", Range(0.5, 0.4, 0.625))]
    verdict = verdict_of(*lines, ratios=other)
    assert "2.0 × (1.6–2.5) inline" in verdict.sentence
    assert verdict.ratio == pytest.approx((2.0, 1.6, 2.5))
    for unknown in ([], [RowRatio("async", "inline", Range(3.0, 0.0, inf))]):
        verdict = verdict_of(*lines, ratios=unknown)
        assert "×" not in verdict.sentence
        assert verdict.ratio is None
    alone = judge_workload("sleep", map(measured, lines), None, SLO)
    assert (alone.pick, alone.ratio, alone.beaten) == ("async", None, None)
    assert "300–320 req/s, inline 100–110" in alone.sentence


def test_an_unfinished_row_is_no_best_and_no_tie() -> None:
    good, bad = result("sleep", "async", 88, 95), result("sleep", "hybrid", None, None, error="?")
    rival = result("sleep", "inline", 80, 100)
    ties = ["async", "hybrid", "inline"]
    verdict = verdict_of(good, bad, rival, ties=ties)
    assert set(verdict.ties) == {"async", "inline"}
    cells = [measured(line) for line in (good, bad, rival)]
    known = {"sleep": standing_of(standing([good, bad, rival], ties=ties))}
    assert leaders(cells, known) == {cells[0].cell, cells[2].cell}
    assert leaders(cells[:2], known) == set(), "nothing to compare it with"


def test_two_that_met_their_limits_are_tied() -> None:
    verdict = verdict_of(result("sleep", "a", 100, None), result("sleep", "b", 900, None))
    assert set(verdict.ties) == {"a", "b"}


def test_a_row_at_the_limit_of_the_generator_leads() -> None:
    verdict = verdict_of(result("sleep", "a", 950, 1000), result("sleep", "b", 900, None))
    assert (verdict.ratio, verdict.beaten) == (None, None)
    assert set(verdict.ties) == {"a", "b"}, "it may sustain less than the other, or more"
    verdict = verdict_of(result("sleep", "a", 10, 12), result("sleep", "b", 900, None))
    assert (verdict.ties, verdict.ratio, verdict.beaten) == (("b",), Range(75, 75, inf), "a")
    assert "at least 75 × a" in verdict.sentence
    close = verdict_of(result("sleep", "a", 880, 890), result("sleep", "b", 900, None))
    assert (close.ratio, "×" in close.sentence) == (None, False)


def test_leaders_need_competition() -> None:
    lines = [result("sleep", "async", 88, 95), result("sleep", "inline", 10, 12)]
    known = {"sleep": standing_of(standing(lines))}
    alone, other = map(measured, lines)
    assert leaders([alone], known) == set()
    assert leaders([alone, other], known) == {alone.cell}
