"""Say how carefully to search: the quick and the full way, and why their numbers are these."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtests.slo import Slo


@dataclass(frozen=True, slots=True)
class Goal:
    """How carefully to search.

    Bracketing begins at `first` x saturation and goes on by factors of `step`, with trials of
    `bracket_s` that offer `bracket_requests` at least. `confirm` of them in a row must break to
    make a rate the upper end. The bracket is halved by such trials until broke / held is
    `narrow` at most.

    The refinement aims at broke / held = 1 + `width`, in trials of `trial_s` that offer `requests`
    at least. A rate is decided by `trials` of them, of which a share of `exceed` may break. It
    may go `below` widths under the bracket, which short trials often place too high.

    A break below `surprise` x saturation is confirmed by a second trial: a disturbance of the
    machine only ever makes a trial worse.

    Once an interval is known, no trial begins `budget_s` after the search began.
    """

    first: float
    step: float
    bracket_s: float
    bracket_requests: int
    confirm: int
    narrow: float
    requests: int
    trial_s: float
    trials: int
    exceed: float
    width: float
    below: int
    surprise: float
    budget_s: float


# Chosen by simulation of M/D/1, M/D/2, M/D/32 and M/M/2 queues: the least time that still finds
# their capacity. Short bracketing trials are cheap, and broken ones end early; what costs is a
# trial of full length. So the quick search narrows its bracket to one width beforehand. Width and
# budget keep the eighteen cells of the default run within six minutes.
QUICK = Goal(
    first=0.92,
    step=1.25,
    bracket_s=1.0,
    bracket_requests=30,
    confirm=1,
    narrow=1.1499,  # a little less than the width: a wider bracket costs one more full trial
    requests=299,
    trial_s=5.0,
    trials=1,
    exceed=0.5,
    width=0.15,
    below=2,
    surprise=0.85,
    budget_s=16.0,
)
# Two of three agree, so that a disturbed trial does not decide; trials twice as long, because
# short ones are too kind: a load slightly too high has no time to show it.
FULL = Goal(
    first=0.9,
    step=1.2,
    bracket_s=2.0,
    bracket_requests=30,
    confirm=2,
    narrow=1.21,
    requests=1049,
    trial_s=10.0,
    trials=3,
    exceed=0.5,
    width=0.05,
    below=4,
    surprise=0.0,  # its three trials see to that
    budget_s=300.0,
)


def trial_duration(rate: float, slo: "Slo", requests: int, shortest_s: float = 5.0) -> float:
    """Return the seconds of a final trial: enough requests, and twenty bounds, at least."""
    return max(shortest_s, requests / rate, 20 * slo.bound_s)
