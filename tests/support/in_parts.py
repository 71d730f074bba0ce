"""A locustfile of the tests: survival runs with two services at once, and short trials.

No trial is void, whatever else the machine does: how such a run proceeds is what tests look at,
not how much a row sustains.
"""

from __future__ import annotations

from dataclasses import replace

from loadtests.capacity import rounds
from loadtests.capacity.rounds import QUICK
from loadtests.load.schedule import TrialLength
from loadtests.locustfile import LoadUser
from loadtests.run.survival import contest, row, workload
from loadtests.trial import verdict

__all__ = ["LoadUser"]

SHORT = replace(QUICK, settle_s=0.2, trial_s=0.5, requests=50, least=3, most=4, aim=1.0)
contest.CARES["quick"] = SHORT
rounds.WITNESS_S = 0.5
workload.ABREAST = 2
workload.AT_LOAD = TrialLength(0.2, 0.5)
QUIET = ((row, "disturbances"), (row, "flaws"), (verdict, "flaws"))
for module, name in QUIET:
    setattr(module, name, lambda *_, **__: ())
