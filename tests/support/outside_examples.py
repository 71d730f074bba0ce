"""Evidence of services that report nothing of themselves, on a machine of two cores."""

from dataclasses import replace

from loadtests.trial.admitted import Admitted
from loadtests.trial.evidence import Evidence
from tests.support.evidence_examples import MS, stages

LIMITER = Admitted(
    *(380.0, 256, 40, 38.5, 42.0, 105 * MS, 101 * MS, 106 * MS),
    server_cores=0.3,
    beside_s=3 * MS,
    polls=True,
)
CONNECTIONS = Admitted(*(98.0, 32, 5, 4.8, 5.4, 51 * MS, 50 * MS, 52 * MS), server_cores=0.1)
BLOCKING = Admitted(
    *(9.9, 4, 1, 0.95, 1.05, 101 * MS, 100 * MS, 102 * MS), beside_s=152 * MS, polls=True
)
COMPUTING = Admitted(*(200.0, 16), busy="process", server_cores=0.98, service_s=5 * MS)

ADMITTING = Evidence(
    *(400, 5.0, 0.25, 2000, 378.0),
    losses={"late": 1500},
    cores=2,
    server_cores=0.3,
    generator_cores=0.06,
    other_cores=0.04,
    slots=40,
    admitted=LIMITER,
)
FEW_CONNECTIONS = replace(ADMITTING, rate=105, completed=97, slots=5, admitted=CONNECTIONS)
BLOCKED = replace(
    ADMITTING,
    rate=10,
    completed=9.8,
    slots=None,
    on_loop=True,
    admitted=BLOCKING,
    server_cores=0.04,
)
ONE_CORE = replace(
    *(ADMITTING,), rate=220, completed=199, slots=None, admitted=COMPUTING, server_cores=0.98
)
UNSEEN = replace(ONE_CORE, server_cores=None, admitted=replace(COMPUTING, busy=""))


def lone(known: Admitted) -> Evidence:
    """One client at a time."""
    waits_ms = known.service_low_s / MS - 1
    return Evidence(
        *(9.0, 0.6, 0.25, 6, 9.0),
        cores=2,
        server_cores=0.02,
        typical=stages(outside=1, on_cpu=1, off_cpu=max(waits_ms, 0.0)),
        slots=None if known is BLOCKING else known.slots,
        on_loop=known is BLOCKING,
        admitted=known,
    )
