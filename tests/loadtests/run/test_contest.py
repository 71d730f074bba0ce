"""Rounds are played until no row is open, and say how the rows compare, over virtual rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest

from loadtests.capacity.estimate import Contender, Range
from loadtests.capacity.queueing import Queue
from loadtests.capacity.rounds import QUICK, SPARE, Before, Offer
from loadtests.capacity.stretch import LEAST_ROUNDS, Sample, curve, losses_at, most_lost
from loadtests.load.source import InProcess
from loadtests.machine.sentinel import Sentinel
from loadtests.run.options import Options
from loadtests.run.survival.contest import Contest
from loadtests.run.survival.row import Row, Tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BOUND_S, LOSS_RATIO = 0.25, 0.01
STRETCH = math.log(1.05)
MOST = 900.0
TOOLS = Tools(Options(), Sentinel(), InProcess(), MOST, lambda *_: None)
TWICE = {"first (again)": "first"}


@dataclass
class Virtual:
    """A row that loses what its queue loses; its trials are void in these `rounds`."""

    name: str
    demand_s: float
    group: str = "cores"
    void: tuple[int, ...] = ()
    again: bool = False
    numbers: list[int] = field(default_factory=list)  # of the rounds of its trials
    idle: list[set[str]] = field(default_factory=list)  # the other rows meanwhile

    @property
    def contender(self) -> Contender:
        return Contender(self.name, Queue(2, BOUND_S), self.group)

    @property
    def truth(self) -> float:
        queue = self.contender.queue
        return queue.between(self.demand_s * math.exp(STRETCH), LOSS_RATIO)[0]

    def trial(
        self, offer: Offer, number: int, others: Iterable[Virtual]
    ) -> tuple[Sample | None, bool]:
        self.numbers.append(number)
        self.idle.append({row.name for row in others})
        if number in self.void:
            return None, False
        arrivals = offer.trial.draw(offer.rate, Random(f"{self.name}/{len(self.numbers)}"))
        most = most_lost(sum(at >= 0 for at in arrivals), LOSS_RATIO)
        losses = curve(self.contender.queue, arrivals, self.demand_s, most, number)
        sample = Sample(self.name, self.demand_s, 0.0, most, losses)
        return Sample(self.name, self.demand_s, losses_at(sample, STRETCH), most, losses), False


def virtual() -> list[Virtual]:
    return [Virtual("first", 0.010), Virtual("second", 0.0125), Virtual("slow", 0.05)]


def contest(rows: Iterable[Virtual], *before: Any, options: Options | None = None) -> Contest:
    tools = Tools(options or Options(), TOOLS.sentinel, TOOLS.source, MOST, TOOLS.show)
    return Contest(tools, cast("Mapping[str, Row]", {row.name: row for row in rows}), *before)


def played(made: Contest, rounds: float = math.inf) -> list[int]:
    """Play at most so many rounds; returns after which of them there was a standing."""
    standings: list[int] = []
    made.play(
        lambda: len(made.rounds.played) < rounds,
        lambda: standings.append(len(made.rounds.played)),
    )
    return standings


def test_ratios_and_ties_follow_from_the_rounds() -> None:
    rows = [*virtual(), Virtual("first (again)", 0.010)]
    made = contest(rows)
    standings = played(made)
    assert standings == [*range(LEAST_ROUNDS, standings[-1] + 1)]
    standing = made.standing("primes", TWICE)
    assert (standing.workload, standing.rounds) == ("primes", standings[-1])
    assert {*standing.rows} == {"first", "second", "slow"}
    assert standing.ties == ("first",)
    ratio = standing.ratio("first", "second")
    assert ratio
    assert ratio.low < rows[0].truth / rows[1].truth < ratio.high
    assert ratio.error < 0.1
    assert standing.more("second", "slow")
    assert standing.again
    assert standing.again[:2] == ("first", "first (again)")
    assert standing.again.ratio.low < 1 < standing.again.ratio.high
    assert list(standing.speed) == [pytest.approx(1, abs=0.02)] * 2
    assert all(row.idle[0] == {other.name for other in rows} - {row.name} for row in rows)


def test_a_row_that_is_behind_its_own_second_name_leads_all_the_same() -> None:
    made = contest([*virtual()[:2], Virtual("first (again)", 0.005)])
    played(made)
    assert made.rounds.ties == ("first (again)",)
    assert made.standing("primes", TWICE).ties == ("first",)


def test_the_best_row_of_a_quick_run_and_every_row_of_a_full_one_is_closed_by_witnesses() -> None:
    quick = contest(virtual())
    played(quick)
    assert [len(quick.witnesses(name)) for name in ("first", "second", "slow")] == [2, 0, 0]
    below, above = quick.witnesses("first")
    assert below.factor == pytest.approx(0.95, abs=0.01)
    assert above.factor == pytest.approx(1.05, abs=0.01)
    assert above.lost == pytest.approx(above.expected, abs=1.0)
    assert above.requests > 100
    full = contest(virtual()[:2], options=Options.choose(mode="full"))
    played(full)
    assert [len(full.witnesses(name)) for name in ("first", "second")] == [2, 2]
    goals = full.goals("first")
    assert list(goals) == ["p95<250ms", "p99.9<250ms"]
    assert goals["p95<250ms"].value > goals["p99.9<250ms"].value > 0


def test_a_row_at_the_limit_of_the_generator_has_no_end_and_no_ratio() -> None:
    made = contest([*virtual()[:2], Virtual("cheap", 0.0005, "loop")])
    played(made)
    standing = made.standing("primes", {})
    assert standing.rows["cheap"] == Range(MOST, MOST, math.inf)
    assert standing.ties == ("cheap",)
    assert standing.ratio("cheap", "first") is None
    assert standing.ratio("first", "second")


def test_rounds_go_on_after_those_that_were_played_with_other_rows() -> None:
    first, second, slow = virtual()
    earlier = contest([first, second])
    played(earlier)
    count = len(earlier.rounds.played)
    before = Before((first.contender, second.contender), earlier.rounds.played)
    later = contest([first, slow], before, count + 1)
    standings = played(later)
    assert standings[0] == count + 1, "a standing needs no three rounds more"
    assert slow.numbers[0] == count + 1
    standing = later.standing("primes", {})
    assert {*standing.rows} == {"first", "second", "slow"}
    never_met = standing.ratio("second", "slow")
    assert never_met
    assert never_met.low < second.truth / slow.truth < never_met.high
    assert never_met.error < 0.1
    assert standing.ties == ("first",)


def test_a_row_that_is_known_well_meets_the_next_rows_as_often_as_others() -> None:
    first, second, slow = virtual()
    earlier = contest([first, second])
    played(earlier)
    rounds = earlier.rounds.played * 3 * QUICK.most
    assert sum(0 < s.lost < s.most for turn in rounds for s in turn) > 2 * QUICK.most
    later = contest([first, slow], Before((first.contender, second.contender), rounds), 99)
    played(later)
    met = {number for number in first.numbers if number >= 99} & {*slow.numbers}
    assert len(met) >= LEAST_ROUNDS
    ratio = later.standing("primes", {}).ratio("slow", "first")
    assert ratio
    assert ratio.error < 0.1


def test_a_row_whose_trials_are_void_stays_unknown_and_costs_a_few_more_rounds() -> None:
    rows = [Virtual("first", 0.010), Virtual("noisy", 0.0125, void=tuple(range(100)))]
    made = contest(rows)
    played(made)
    assert len(rows[1].numbers) == SPARE * QUICK.most
    assert made.standing("primes", {}).rows.keys() == {"first"}
    assert made.rounds.estimates.rows.keys() == {"first"}


def test_no_round_begins_when_the_run_has_to_end() -> None:
    rows = virtual()
    made = contest(rows)
    assert played(made, rounds=2) == []
    assert [row.numbers for row in rows] == [[1, 2]] * 3
    assert not made.standing("primes", {}).rows
