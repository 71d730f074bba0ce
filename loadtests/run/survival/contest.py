"""Rounds of trials over rows whose services are up: played until no row is open."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import quantiles
from time import monotonic

from loadtests.capacity.estimate import Range
from loadtests.capacity.rounds import FULL, QUICK, SPARE, Before, Care, Offer, Rounds
from loadtests.capacity.stretch import LEAST_ROUNDS
from loadtests.run.file.cells import RowRatio, Standing, Witness
from loadtests.run.options import Options
from loadtests.run.survival.row import Row, Tools

# A regression of 15 % is to be found, and none where there is none: over 240 simulated runs each,
# 238 were found and 2 undecided, and none was found where there was none.
AGAINST = replace(QUICK, least=8, most=30, aim=0.03, budget_s=50.0)
# A size that ties with others is enough: which of them is best needs not be known.
SIZING = replace(QUICK, most=8, budget_s=14.0)


def _care(options: Options) -> Care:
    if options.mode != "quick":
        return FULL
    return AGAINST if options.against else SIZING if options.size else QUICK


class Contest:
    """Plays rounds over `rows`, after those played `before`; `first` is the number of the next."""

    def __init__(
        self, tools: Tools, rows: Mapping[str, Row], before: Before | None = None, first: int = 1
    ) -> None:
        options = tools.options
        self._rows = rows
        self._number = first
        self._witnesses: dict[str, list[Witness]] = {}
        self._care = _care(options)
        self._full = options.mode == "full"
        self._also = options.also
        self.rounds = Rounds(
            [row.contender for row in rows.values()],
            {name: row.demand_s for name, row in rows.items()},
            options.slo.loss_ratio,
            self._care,
            most_rate=tools.most,
            seed=f"{options.seed}/{[*rows]}",
            before=before,
        )

    @property
    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def play(self, goes_on: Callable[[], bool], standing: Callable[[], None]) -> None:
        """Play until no row is open, or `goes_on` says so; `standing` is called after rounds."""
        latest = monotonic() + SPARE * self._care.budget_s * len(self._rows)
        while self.rounds.open() and monotonic() < latest and goes_on():
            for offer in self.rounds.offers():
                self._trial(offer)
            self.rounds.end()
            self._number += 1
            if len(self.rounds.played) >= LEAST_ROUNDS:
                standing()
        known = [name for name in self.rounds.estimates.rows if name in self._rows]
        if not self._full:  # only the leader
            known = [n for n in self.rounds.ties if n in known and not self._rows[n].again][:1]
        if known and goes_on():
            for offer in self.rounds.witnesses(known):
                self._trial(offer, closing=True)
            self.rounds.end()
            self._number += 1
            standing()

    def _trial(self, offer: Offer, *, closing: bool = False) -> None:
        row = self._rows[offer.row]
        others = [other for other in self._rows.values() if other is not row]
        sample, spoiled = row.trial(offer, self._number, others)
        if sample is None:
            self.rounds.miss(offer.row, flawed=spoiled)
            return
        self.rounds.take(sample)
        if closing:
            known = self.rounds.estimates.rows[offer.row]
            at = offer.rate * (sample.demand_s or known.demand_s) / known.demand_s
            requests = round(offer.rate * offer.trial.duration_s)
            lost, expected = round(sample.lost, 2), round(self.rounds.expected(sample), 2)
            witness = Witness(round(at / known.capacity.value, 3), lost, expected, requests)
            self._witnesses.setdefault(offer.row, []).append(witness)

    def goals(self, row: str) -> dict[str, Range]:
        """Return the capacities of a row for further percentiles, by their objectives."""
        known = self.rounds.estimates
        return {str(slo): rounded(known.at(row, slo.loss_ratio)) for slo in self._also}

    def witnesses(self, row: str) -> tuple[Witness, ...]:
        """Return the trials near the capacity of a row that closed it."""
        return tuple(self._witnesses.get(row, ()))

    def standing(self, workload: str, again: Mapping[str, str]) -> Standing:
        """Return how the rows compare now; `again` maps the second name of a row to its label."""
        estimates, limits = self.rounds.estimates, self.rounds.limits
        names = [name for name in estimates.rows if name not in again]
        ratios = [
            RowRatio(row, other, rounded(estimates.ratio(row, other)))
            for row, other in combinations(names, 2)
        ]
        twins = [
            RowRatio(again[name], name, rounded(estimates.ratio(again[name], name)))
            for name in again
            if {name, again[name]} <= estimates.rows.keys()
        ]
        rows = {name: rounded(estimates.rows[name].capacity) for name in names}
        return Standing(
            workload,
            len(self.rounds.played),
            rows | {name: Range(rate, rate, math.inf) for name, rate in limits.items()},
            tuple(dict.fromkeys(again.get(name, name) for name in self.rounds.ties)),
            tuple(ratios),
            self._speed(),
            twins[0] if twins else None,
        )

    def _speed(self) -> tuple[float, ...]:
        """Return the middle 90 % of what the same work cost, relative to the median."""
        moved = self.rounds.estimates.speeds
        if len(moved) < LEAST_ROUNDS:
            return ()
        twentieths = quantiles(moved, n=20, method="inclusive")
        return (round(twentieths[0], 4), round(twentieths[-1], 4))


def rounded(figures: Sequence[float]) -> Range:
    """Round what is printed and stored to five digits."""
    return Range(*(float(f"{figure:.5g}") for figure in figures))
