"""Say how carefully to search: the quick and the full way, and why their numbers are these."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from loadtests.capacity.support import needed
from loadtests.load.spec import BYSTANDER_RATE
from loadtests.slo import requests_needed

if TYPE_CHECKING:
    from loadtests.slo import Slo

LONGEST_S = 30.0  # a further percentile that needs longer trials is not sought
BESIDE_S = 60.0  # nor is a trial made longer than this for the sake of the bystander
SUMMED = 0.01  # loss ratios below it are claimed by all the trials that decide a load together


@dataclass(frozen=True, slots=True)
class Goal:
    """How carefully to search.

    Bracketing begins at `first` x the predicted capacity and goes on by factors of `step`, with
    trials of `bracket_s` that offer `bracket_requests` at least. `confirm` of them in a row must
    break to make a rate the upper end. The bracket is halved by such trials until broke / held
    is `narrow` at most.

    The refinement aims at broke / held = 1 + `width`, in trials of `trial_s` at least that offer
    enough requests to prove the percentile with `late` late ones. A rate is decided by `trials`
    of them, of which a share of `exceed` may break. It may go `below` widths under the bracket,
    which short trials often place too high.

    A break below `surprise` x the prediction is confirmed by a second trial: a disturbance of the
    machine only ever makes a trial worse.

    Once an interval is known, and its lower end from as many requests as the percentile takes, no
    trial begins `budget_s` after the search began, and none that is longer than `trial_s` so much
    before. Until then it goes on for `patience_s`; after that, short trials find what is missing.
    """

    first: float
    step: float
    bracket_s: float
    bracket_requests: int
    confirm: int
    narrow: float
    late: int
    trial_s: float
    trials: int
    exceed: float
    width: float
    below: int
    surprise: float
    budget_s: float
    patience_s: float


# Chosen by simulation of M/D/1, M/D/2, M/D/32 and M/M/2 queues: the least time that still finds
# their capacity. Short bracketing trials are cheap, and broken ones end early; what costs is a
# trial of full length. So the quick search narrows its bracket to one width beforehand. Width and
# budget keep a cell within half a minute, patience one whose requests are few within a minute.
QUICK = Goal(
    first=0.92,
    step=1.25,
    bracket_s=1.0,
    bracket_requests=30,
    confirm=1,
    narrow=1.1499,  # a little less than the width: a wider bracket costs one more full trial
    late=0,
    trial_s=5.0,
    trials=1,
    exceed=0.5,
    width=0.15,
    below=2,
    surprise=1.25,  # so nearly all: a broken trial ends early, a second one costs little
    budget_s=16.0,
    patience_s=48.0,
)
# Two of three agree, so that a disturbed trial does not decide; trials four times as long, because
# short ones are too kind: a load slightly too high has no time to show it. With 10 s they find 4 to
# 8 % too much, with 20 s 3 to 4 %, with 30 s no less, for the budget then ends many searches.
FULL = Goal(
    first=0.9,
    step=1.2,
    bracket_s=2.0,
    bracket_requests=30,
    confirm=2,
    narrow=1.21,
    late=5,
    trial_s=20.0,
    trials=3,
    exceed=0.5,
    width=0.05,
    below=4,
    surprise=0.0,  # its three trials see to that
    budget_s=150.0,
    patience_s=0.0,  # a trial may take half a minute
)


def provable(predicted: float, goal: Goal, *slos: "Slo") -> "tuple[Slo, ...]":
    """Leave out of the further percentiles those that would make final trials too long."""
    main, *others = slos
    return (
        main,
        *(
            other
            for other in others
            if _requests(goal, main, other) / max(predicted, 1.0) <= LONGEST_S
        ),
    )


def trial_duration(rate: float, goal: Goal, *slos: "Slo") -> float:
    """Return the seconds of a final trial: enough requests, and twenty bounds, at least.

    The bystander has to have enough as well, if that does not take too long.

    A percentile up to p99 is proved by each trial. A stricter one is proved by the trials that
    decide a load together, the majority of `goal.trials`; where it is not the first of `slos`,
    but sought beside it, without a late one to spare (2,995 requests for p99.9).
    """
    main, *_ = slos
    requests = max(_requests(goal, main, slo) for slo in slos)
    beside_s = _share(goal, main, needed(main)) / BYSTANDER_RATE
    if beside_s > BESIDE_S:
        beside_s = 0.0
    return max(goal.trial_s, requests / rate, beside_s, 20 * main.bound_s)


def _requests(goal: Goal, main: "Slo", slo: "Slo") -> int:
    return _share(goal, slo, requests_needed(slo.loss_ratio, goal.late if slo == main else 0))


def _share(goal: Goal, slo: "Slo", requests: int) -> int:
    """Return what each trial has to contribute to so many requests."""
    return ceil(requests / (goal.trials // 2 + 1)) if slo.loss_ratio < SUMMED else requests
