"""A locustfile of the tests: survival runs with short trials, none of which is void.

How such a run proceeds is what tests look at, not how much a row sustains; what else the machine
does meanwhile must not matter.
"""

from __future__ import annotations

from dataclasses import replace

from loadtests.capacity import calibration, rounds
from loadtests.capacity.rounds import QUICK
from loadtests.load.schedule import TrialLength
from loadtests.locustfile import LoadUser
from loadtests.run.beyond import lab
from loadtests.run.survival import contest, row, workload
from loadtests.trial import verdict

__all__ = ["LoadUser"]

SETTLE_S, TRIAL_S = 0.1, 0.3
BRIEF = replace(QUICK, settle_s=SETTLE_S, trial_s=TRIAL_S, requests=30, least=4, most=5, aim=1.0)
contest.QUICK = BRIEF  # type: ignore[attr-defined]  # imported there, and not exported
rounds.WITNESS_S = TRIAL_S
rounds.AIM = 0.5  # so that some of so few trials hold
workload.AT_LOAD = TrialLength(SETTLE_S, TRIAL_S)
calibration.LONE_S, calibration.RAMP_S, calibration.CROWD_S = 0.2, 0.1, 0.3
QUIET = {"flaws": (row, lab, verdict), "disturbances": (row, lab)}
for name, modules in QUIET.items():
    for module in modules:
        setattr(module, name, lambda *_, **__: ())
