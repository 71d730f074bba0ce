"""How carefully to search: the quick and the full way, and why their numbers are these."""

from dataclasses import dataclass
from math import ceil

from loadtests.capacity.support import needed
from loadtests.load.spec import BYSTANDER_RATE
from loadtests.slo import Slo, requests_needed

LONGEST_S = 30.0  # a further percentile that needs longer trials is left out
BESIDE_S = 60.0  # the bystander makes no trial longer than this
SUMMED = 0.01  # loss ratios below it are shown by all trials that decide a rate, taken together


@dataclass(frozen=True, slots=True)
class Goal:
    """How carefully to search: first for a bracket, then within it."""

    # The bracket, by short trials.
    first: float  # begin at this share of the predicted capacity
    step: float  # and go on by this factor
    bracket_s: float  # seconds of a trial, unless it offers fewer than
    bracket_requests: int
    confirm: int  # trials in a row that must break to make a rate the upper end
    narrow: float  # halve the bracket until broke / held is at most this
    # The refinement, by trials that prove the percentile.
    late: int  # late requests with which the percentile can still be proved
    trial_s: float  # the least seconds of a trial
    trials: int  # how many of them decide a rate
    exceed: float  # the share of them that may break
    width: float  # the aim: broke / held = 1 + width
    below: int  # widths under the bracket to which it may go: short trials promise too much
    # A disturbance of the machine only ever makes a trial worse.
    surprise: float  # a break below this share of the prediction is tried a second time
    # Once both ends are known, the lower one from enough requests, time is limited.
    budget_s: float  # no trial begins later, and none that is longer than `trial_s` so much earlier
    patience_s: (
        float  # until then it goes on so much longer; then short trials find what is missing
    )


# Chosen by simulation of M/D/1, M/D/2, M/D/32 and M/M/2 queues: the least time that still finds
# their capacity. Short bracketing trials are cheap, and broken ones end early; trials of full
# length take the time. So the quick search narrows its bracket to one width first. Width and
# budget keep a cell within half a minute; patience keeps one with few requests within a minute.
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
    surprise=1.25,  # nearly every one: broken trials end early, so a second one costs little
    budget_s=16.0,
    patience_s=48.0,
)
# Two of three agree, so that a disturbed trial does not decide. Trials are four times as long,
# because a load slightly too high takes time to show it: with 10 s they find 4 to 8 % too much,
# with 20 s 3 to 4 %, with 30 s no less, because the budget then ends many searches.
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
    surprise=0.0,  # its three trials take care of that
    budget_s=150.0,
    patience_s=0.0,  # a trial may take half a minute
)


def provable(predicted: float, goal: Goal, *slos: Slo) -> tuple[Slo, ...]:
    """Leave out the further percentiles that would make final trials too long."""
    main, *others = slos
    return (
        main,
        *(
            other
            for other in others
            if _requests(goal, main, other) / max(predicted, 1.0) <= LONGEST_S
        ),
    )


def trial_duration(rate: float, goal: Goal, *slos: Slo) -> float:
    """Return the seconds of a final trial: enough requests, and at least twenty bounds.

    The bystander needs enough requests too, if that does not take too long.

    A percentile up to p99 is proved by each trial. A stricter one is proved by the trials that
    decide a rate taken together, the majority of `goal.trials`. Those after the first of `slos`
    are proved without a single late request (2,995 requests for p99.9).
    """
    main, *_ = slos
    requests = max(_requests(goal, main, slo) for slo in slos)
    beside_s = _share(goal, main, needed(main)) / BYSTANDER_RATE
    if beside_s > BESIDE_S:
        beside_s = 0.0
    return max(goal.trial_s, requests / rate, beside_s, 20 * main.bound_s)


def _requests(goal: Goal, main: Slo, slo: Slo) -> int:
    return _share(goal, slo, requests_needed(slo.loss_ratio, goal.late if slo == main else 0))


def _share(goal: Goal, slo: Slo, requests: int) -> int:
    """Return how many of these requests each trial has to contribute."""
    return ceil(requests / (goal.trials // 2 + 1)) if slo.loss_ratio < SUMMED else requests
