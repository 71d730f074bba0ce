"""A verdict says what the rounds allow, and no more; figures read as what is known of them."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity.estimate import Range
from loadtests.report.verdicts import WorkloadVerdict, judge_workload, leaders
from loadtests.report.wording import cause_sentence, cause_short, interval_text, ratio_text
from loadtests.run.file.cells import RowRatio
from loadtests.run.file.lines import Line, standing_of
from loadtests.slo import Slo
from loadtests.wording import listing, rate_text
from tests.support.run_files import NO_TWIN, measured, result, standing, unavailable

SLO = Slo.parse("p99<250ms")
SLOW = result("scrape", "inline", 0, 4, "late")
ABSENT = unavailable("primes", "async", NO_TWIN)
UNSTARTED = result("primes", "inline", None, None, error="the server did not start")


def verdict_of(*lines: Line, **changes: Any) -> WorkloadVerdict:
    results = [measured(line) for line in lines]
    known = standing_of(standing(lines, **changes))
    return judge_workload(results[0].workload, results, known, SLO)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (  # a clear winner: its ratio to the next, and what limits the last
            [
                result("primes", "inline", 64, 70, "bystander"),
                result("primes", "thread-pool", 90, 97, "late"),
                result("primes", "process-pool", 171, 182, "late"),
            ],
            "`primes`: process-pool sustains 171–182 req/s at p99<250ms, 1.9 × (1.8–2.0) "
            "thread-pool (90–97); inline sustains 64–70: above 70 req/s, the cause is unknown.",
        ),
        (  # the pool is named before the hybrid that uses it
            [
                result("primes", "hybrid", 172, 183, "late"),
                result("primes", "process-pool", 171, 182, "late"),
                result("primes", "inline", 64, 70, "late"),
            ],
            "`primes`: process-pool and hybrid sustain the same: 171–182 and 172–183 req/s at "
            "p99<250ms, hybrid 2.7 × (2.5–2.8) as much as inline (64–70); under inline, above 70 "
            "req/s, the cause is unknown.",
        ),
        (  # no ratio of rows that tie
            [
                result("sleep", "async", 100, 120, "late"),
                result("sleep", "thread-pool", 90, 110, "late"),
            ],
            "`sleep`: async and thread-pool sustain 100–120 and 90–110 req/s at p99<250ms (no "
            "significant difference in this run); at higher rates, the cause is unknown.",
        ),
        (  # the generator's limit is a lower bound, and no ratio to it is known
            [
                result("sleep", "async", 1310, None),
                result("sleep", "thread-pool", 148, 160, "late"),
            ],
            "`sleep`: async sustains at least 1310 req/s at p99<250ms, thread-pool 148–160; under "
            "thread-pool, above 160 req/s, the cause is unknown.",
        ),
        (
            [result("sleep", "async", 1310, None)],
            "`sleep`: async sustains at least 1310 req/s at p99<250ms; the load generator reached "
            "its limit first.",
        ),
        (  # what is unfinished is named, and compared with nothing
            [
                result("sleep", "async", 88, 95, "refused"),
                result("sleep", "inline", None, None, error="no answer", predicted=195.0),
                result("sleep", "hybrid", None, None, error="no answer"),
            ],
            "`sleep`: async sustains 88–95 req/s at p99<250ms; above 95 req/s, the cause is "
            "unknown; inline and hybrid are unfinished.",
        ),
        (
            [SLOW, result("scrape", "hybrid", None, None, error="no answer")],
            "`scrape`: inline sustains no load at p99<250ms: even 4 req/s is too much (the cause "
            "is unknown); hybrid is unfinished.",
        ),
        (
            [result("sleep", "async", 88, 95, "refused")],
            "`sleep`: async sustains 88–95 req/s at p99<250ms; above 95 req/s, the cause is "
            "unknown.",
        ),
        (
            [SLOW],
            "`scrape`: inline sustains no load at p99<250ms: even 4 req/s is too much (the cause "
            "is unknown).",
        ),
        (
            [SLOW, result("scrape", "hybrid", 0, 6, "late")],
            "`scrape`: no model sustains any load at p99<250ms: even 6 req/s is too much (the "
            "cause is unknown).",
        ),
        (
            [SLOW, result("scrape", "hybrid", 52, 56, "late")],
            "`scrape`: hybrid sustains 52–56 req/s at p99<250ms; inline sustains no load: even 4 "
            "req/s is too much (the cause is unknown).",
        ),
        ([ABSENT], f"`primes`: none of the requested models is available: {NO_TWIN}."),
        ([ABSENT, UNSTARTED], "`primes`: no result in this run."),
    ],
)
def test_a_verdict_says_what_the_intervals_allow(lines: list[Line], sentence: str) -> None:
    assert verdict_of(*lines).sentence == sentence


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0.1, 1e4)), min_size=1, max_size=6))
def test_the_best_and_all_that_tie_with_it_come_from_the_standing(
    pairs: list[tuple[float, float]],
) -> None:
    lines = [result("w", f"m{i}", low, low + gap) for i, (low, gap) in enumerate(pairs)]
    verdict, known = verdict_of(*lines), standing_of(standing(lines))
    if verdict.pick is None:
        assert all(measured(line).held == 0 for line in lines)
        return
    assert verdict.pick in verdict.ties
    assert set(verdict.ties) == {*known.ties, verdict.pick}
    if verdict.beaten:
        assert verdict.beaten not in verdict.ties
        assert verdict.ratio == known.ratio(verdict.pick, verdict.beaten)
        assert known.more(verdict.pick, verdict.beaten)


def test_a_factor_is_that_of_the_rounds_not_the_quotient_of_two_capacities() -> None:
    lines = [result("sleep", "async", 300, 320), result("sleep", "inline", 100, 110)]
    other = [RowRatio("inline", "async", Range(0.5, 0.4, 0.625))]
    verdict = verdict_of(*lines, ratios=other)
    assert "2.0 × (1.6–2.5) inline (100–110)" in verdict.sentence
    assert verdict.ratio == pytest.approx((2.0, 1.6, 2.5))
    for unknown in ([], [RowRatio("async", "inline", Range(3.0, 0.0, inf))]):
        verdict = verdict_of(*lines, ratios=unknown)
        assert "×" not in verdict.sentence
        assert verdict.ratio is None
    alone = judge_workload("sleep", map(measured, lines), None, SLO)
    assert (alone.pick, alone.ratio, alone.beaten) == ("async", None, None)
    assert "inline sustains 100–110" in alone.sentence


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
    assert (verdict.pick, verdict.ratio, verdict.beaten) == ("b", None, None)
    assert set(verdict.ties) == {"a", "b"}, "it may sustain less than the other, or more"
    verdict = verdict_of(result("sleep", "a", 10, 12), result("sleep", "b", 900, None))
    assert (verdict.ties, verdict.ratio, verdict.beaten) == (("b",), None, "a")
    assert "×" not in verdict.sentence


def test_leaders_need_competition() -> None:
    lines = [result("sleep", "async", 88, 95), result("sleep", "inline", 10, 12)]
    known = {"sleep": standing_of(standing(lines))}
    alone, other = map(measured, lines)
    assert leaders([alone], known) == set()
    assert leaders([alone, other], known) == {alone.cell}


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        *((0, "0"), (0.53, "0.53"), (4.0, "4"), (9.53, "9.5"), (95.34, "95"), (99.6, "100")),
        *((171.4, "171"), (1234.0, "1230"), (12345.0, "12300")),
    ],
)
def test_rates_are_rounded_to_what_is_known(rate: float, text: str) -> None:
    assert rate_text(rate) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (result("w", "m", 148, 160), "148–160"),
        (result("w", "m", 159.6, 160.2), "160"),
        (result("w", "m", 1310, None), "≥ 1310"),
        (result("w", "m", 0, 4), "none (< 4)"),
        (result("w", "m", None, None, error="?"), "unfinished"),
        (result("w", "m", None, None, error="?", predicted=195.2), "unfinished (≈ 195?)"),
        (result("w", "m", 90, 99, state="unfinished", predicted=95.0), "unfinished (≈ 95?)"),
    ],
)
def test_a_capacity_reads_as_what_is_known_of_it(line: Line, text: str) -> None:
    assert interval_text(measured(line)) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Range(1.9, 1.72, 2.1), "1.9 × (1.7–2.1)"),
        (Range(1.01, 0.97, 1.05), "1.01 × (0.97–1.05)"),
        (Range(12.34, 9.6, 15.8), "12.3 × (9.6–15.8)"),
        (Range(24.3, 19.6, 30.8), "24 × (20–31)"),
    ],
)
def test_a_ratio_has_its_interval(ratio: Range, text: str) -> None:
    assert ratio_text(ratio) == text


def test_a_sign_never_stands_for_a_cause() -> None:
    broken = result("w", "m", 1, 2, "late", blamed="GIL")
    assert cause_sentence(measured(broken)) == "GIL"
    withdrawn = replace(measured(broken), proof={"stands": False})
    assert cause_short(withdrawn) == "unknown"
    assert cause_sentence(withdrawn) == "the cause is unknown (a proof withdrew GIL)"
    assert cause_sentence(measured(result("w", "m", 1, 2, "late"))) == "the cause is unknown"
    held = measured(result("w", "m", 1, 2))
    assert (cause_short(held), cause_sentence(held)) == ("", "")


def test_names_are_listed() -> None:
    assert [listing(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
