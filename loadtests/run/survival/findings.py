"""What the trials of a cell showed: the evidence of each, and what limited it by all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from loadtests.capacity.calibration import Calibration
from loadtests.capacity.outside import with_admitted
from loadtests.cause.rules import UNKNOWN, runner_up
from loadtests.machine.disturbances import MachineState
from loadtests.service.watch import Activity, evidence
from loadtests.slo import Slo
from loadtests.trial.evidence import Evidence
from loadtests.trial.tally import LOSSES
from loadtests.trial.trial import Trial

ENOUGH = 500  # requests: a trial with more shows no more of the cause
DOUBT = 0.5  # what a trial counts that broke for no known cause
ENDS = 3  # trials at each end of a cell's, of which the median is compared
CHANGED = 2.0  # times the CPU of a request: more than the speed of a machine varies
GROWN, GROWN_MIB = 1.5, 64.0  # times the memory, and by so much


def observed(  # noqa: PLR0913, PLR0917 - a load, and all that was seen of it from any side
    trial: Trial,
    machine: MachineState,
    activity: Activity,
    calibration: Calibration,
    slo: Slo,
    refuses_over_s: float | None,
) -> Evidence:
    """Collect what is known of one load; `generators_s` of a trial are counted by the caller."""
    work, bystander, where = trial.work, trial.bystander, trial.where
    load = Evidence(
        rate=trial.rate,
        duration_s=trial.duration_s,
        bound_s=slo.bound_s,
        loss_ratio=slo.loss_ratio,
        scheduled=work.scheduled,
        completed=where.completed,
        losses={kind: count for kind in LOSSES if (count := getattr(work, kind))},
        errors=where.errors,
        bystander_loss=bystander.loss_ratio,
        bystander_p99_s=None if bystander.p99_ms is None else bystander.p99_ms / 1e3,
        on_loop=calibration.crowd.on_loop,
        generator_busy=trial.generator_cpu,
        typical=where.typical,
        late=where.late,
        ran_p50_s=where.ran_p50_s,
        ran_too_long=where.ran_too_long,
        refuses_over_s=refuses_over_s,
        other_cores=machine.others_cores,
        memory_pressure=machine.memory_pressure,
        io_pressure=machine.io_pressure,
        throttled=machine.throttled,
    )
    return with_admitted(evidence(activity, load), calibration.admitted)


def with_generators(known: Evidence, trial: Trial) -> Evidence:
    """Add the cores of generators in other processes."""
    others = trial.generators_s / (trial.duration_s + trial.settle_s)
    return replace(known, generator_cores=known.generator_cores + others)


def limited(trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Conclude from all valid trials of a cell what limited it: they vote, each by what it shows.

    That is the more, the more requests it had and the nearer its rate was to the capacity, for far
    beyond it other resources run out as well. The evidence is that of the trial which shows most.
    """
    failed = [trial for trial in trials if not trial["held"]]
    names = ("broke_by", "blamed", "cause_evidence", "evidence")
    if not failed:
        return dict.fromkeys(names)
    held = max((trial["rate"] for trial in trials if trial["held"]), default=0.0)
    border = held or min(trial["rate"] for trial in failed)
    votes: defaultdict[str, float] = defaultdict(float)
    for trial in failed:
        votes[trial["cause"]["name"]] += _weight(trial, border)
    name = max(votes, key=votes.__getitem__)
    agree = [trial for trial in failed if trial["cause"]["name"] == name]
    shows = max(agree, key=lambda trial: _weight(trial, border))
    second = runner_up(name, _quotients(agree, border))
    cause = {**shows["cause"], "agree": len(agree), "of": len(failed), "runner_up": second}
    return dict(zip(names, (shows["broke_by"], name, cause, shows["evidence"]), strict=True))


def _weight(trial: Mapping[str, Any], border: float) -> float:
    """Return what a failed trial counts; `border` is the rate where the cell began to fail."""
    near = min(border / trial["rate"], 1.0) if trial["rate"] > 0 else 0.0
    doubt = DOUBT if trial["cause"]["name"] == UNKNOWN.name else 1.0
    return float(doubt * near**2 * (1 + min(trial["work"]["scheduled"], ENOUGH)))


def _quotients(trials: Sequence[Mapping[str, Any]], border: float) -> dict[str, float]:
    """Average the quotients of each resource over trials; where it had none, it was free."""
    weights = [_weight(trial, border) for trial in trials]
    known = [trial["cause"].get("quotients") or {} for trial in trials]
    return {
        name: sum(w * q.get(name, 0.0) for w, q in zip(weights, known, strict=True)) / sum(weights)
        for name in dict.fromkeys(name for quotients in known for name in quotients)
    }


def unsteady(trials: Sequence[Mapping[str, Any]]) -> str | None:
    """Say that a cell was not the same at the end of its trials: it warmed up, slowed or leaked."""
    first, last = _ends(trials, "cpu_ms_per_request")
    if min(first, last) > 0 and max(first / last, last / first) >= CHANGED:
        return (
            f"a request took {_short(first)} ms of CPU in the first trials and {_short(last)} ms "
            f"in the last: the cell {'warms up' if last < first else 'slows down'}, so its "
            "capacity is not a constant"
        )
    first, last = _ends(trials, "pss_mib")
    if first > 0 and last >= GROWN * first and last - first >= GROWN_MIB:
        return (
            f"memory grew from {first:.0f} to {last:.0f} MiB during the trials: the cell leaks, or "
            "fills a cache"
        )
    return None


def _ends(trials: Sequence[Mapping[str, Any]], figure: str) -> tuple[float, float]:
    """Return the medians of the first and of the last trials; 0 where there are too few."""
    known = [float(value) for trial in trials if (value := trial.get(figure))]
    if len(known) < 2:
        return 0.0, 0.0
    count = min(ENDS, len(known) // 2)
    return median(known[:count]), median(known[-count:])


def _short(ms: float) -> str:
    return f"{ms:.0f}" if ms >= 9.5 else f"{ms:.1f}" if ms >= 0.95 else f"{ms:.2g}"
