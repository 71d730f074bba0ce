"""Find what requests waited for where no resource was used up: one another, a disk, admission."""

from loadtests.cause.symptoms import NEARLY, Finding, Symptoms, milliseconds
from loadtests.load.answer import Stages
from loadtests.wording import STAGE_NAMES, count_of, listing, percent

WAITING = 0.25  # of the time in which something waited for the disk
ALONE = 0.8  # of a request at a time: the work as a whole is slower than one thread alone
UNSEEN = ", and no resource of the service could be observed"
DEARER = 2.0  # times as long with the GIL as a request computes
HELD = 0.25  # of the time, by the GIL: else there is nothing to hand over
SERIAL = 1.3  # requests at a time: as many as one thread would serve, or fewer


def disk(symptoms: Symptoms) -> Finding | None:
    """Work that waits, mostly, while something on this machine waits for the disk."""
    waited, stages = symptoms.evidence.io_pressure or 0.0, symptoms.evidence.typical
    if stages is None or waited < WAITING or stages.off_cpu < stages.on_cpu or symptoms.awaited:
        return None
    sentence = (
        f"the disk was waited for {percent(waited)} of the time, and calls spent "
        f"{milliseconds(stages.off_cpu)} of {milliseconds(stages.ran)} waiting in the work"
    )
    return Finding("disk", sentence, {"io_pressure": waited, "off_cpu_ms": 1000 * stages.off_cpu})


def handed_over(symptoms: Symptoms) -> Finding | None:
    """A GIL that changes hands so often that threads together do no more than one of them.

    It is not held for long, but waited for; or it is held for far longer than a request computes;
    or requests that compute are served one at a time, although neither the GIL nor cores are full.
    A lock around work that computes looks alike only if that work lets the GIL go for most of it.
    """
    stages, held, inside = symptoms.evidence.typical, symptoms.evidence.gil, symptoms.inside
    if stages is None or held is None or inside is None or symptoms.hogged:
        return None
    computes_s = max((symptoms.run_s or 0.0) - symptoms.wait_s, stages.on_cpu)
    if held < HELD or inside >= SERIAL or computes_s < symptoms.wait_s:
        return None
    costs_s = symptoms.each_s(held * symptoms.evidence.servers)
    dear = costs_s >= DEARER * computes_s and stages.off_cpu >= stages.ran / 2
    serial = inside >= ALONE and held < NEARLY and stages.off_cpu >= DEARER * computes_s
    if symptoms.evidence.on_loop or not (dear or serial or symptoms.waits_inside):
        return None
    sentence = (
        f"threads hand the GIL to one another too often: a call that takes "
        f"{milliseconds(symptoms.run_s or 0.0)} alone took {milliseconds(stages.ran)}, of which it "
        f"waited {milliseconds(stages.off_cpu)}, while the GIL was held {percent(held)} of the time"
    )
    numbers = {"gil": held, "gil_ms": 1000 * costs_s, "off_cpu_ms": 1000 * stages.off_cpu}
    return Finding("GIL hand-over", sentence, numbers | {"inside": inside})


def contention(symptoms: Symptoms) -> Finding | None:
    """Work that waits for itself: it lets only so many requests through at a time."""
    stages, inside = symptoms.evidence.typical, symptoms.inside
    if stages is None or inside is None or not symptoms.waits_inside or symptoms.loop_lags:
        return None
    if inside < ALONE:
        return None
    number = max(round(inside), 1)
    what = "a lock" if number == 1 else f"a connection pool or a downstream that admits {number}"
    sentence = (
        f"the work lets about {count_of(number, 'request')} through at a time ({what}): calls "
        f"waited {milliseconds(stages.off_cpu)} in the work, and {milliseconds(symptoms.wait_s)} "
        f"alone{_free(symptoms)}"
    )
    numbers = {"inside": inside, **_waits(symptoms, stages)}
    return Finding("contention", sentence, numbers)


def _waits(symptoms: Symptoms, stages: Stages) -> dict[str, float]:
    return {"off_cpu_ms": 1000 * stages.off_cpu, "off_cpu_alone_ms": 1000 * symptoms.wait_s}


def queue_full(symptoms: Symptoms) -> Finding | None:
    """A queue that is too short for bursts: it refuses requests while no resource is used up."""
    if symptoms.share_lost("refused") < 0.5 or symptoms.evidence.refuses_over_s is not None:
        return None
    requests = count_of(symptoms.evidence.losses["refused"], "request")
    return _refused("queue full", f"{requests} found the queue full", symptoms)


def refused(symptoms: Symptoms) -> Finding | None:
    """Admission that refuses what it expects to be late, while no resource is used up."""
    within_s = symptoms.evidence.refuses_over_s
    if symptoms.share_lost("refused") < 0.5 or within_s is None:
        return None
    requests = count_of(symptoms.evidence.losses["refused"], "request")
    sentence = f"the service refused {requests}, not expecting to answer within"
    return _refused("refused", f"{sentence} {milliseconds(within_s)},", symptoms)


def _refused(name: str, sentence: str, symptoms: Symptoms) -> Finding:
    numbers = {"refused": float(symptoms.evidence.losses["refused"])}
    if symptoms.workers_busy is None:
        return Finding(name, sentence.rstrip(","), numbers)
    sentence += f" while slots were busy only {percent(symptoms.workers_busy)} of the time"
    return Finding(name, sentence, numbers | {"workers_busy": symptoms.workers_busy})


def unknown(symptoms: Symptoms) -> Finding:
    """Say where the time went, and what was free meanwhile."""
    known, stage = _observed(symptoms), symptoms.longest
    whose = "late requests" if symptoms.evidence.late else "requests"
    if symptoms.evidence.admitted:
        spent = f"what {whose} waited for is not visible from outside"
        return Finding("unknown", spent + _free(symptoms), known)
    if stage is None:
        spent = "it is not known where the time of requests went"
    else:
        share = percent(symptoms.shares[stage])
        spent = f"{whose} spent {share} of their time {_doing(stage)}"
    return Finding("unknown", spent + (_free(symptoms) if known else UNSEEN), known)


def _doing(stage: str) -> str:
    name = STAGE_NAMES[stage]
    if stage == "lag":
        return f"before the generator sent them ({name})"
    return f"being {name}" if name.startswith("handed") else name


def _observed(symptoms: Symptoms) -> dict[str, float]:
    observed = {
        "the cores": symptoms.cores_busy,
        "the GIL": symptoms.evidence.gil,
        "the event loop": symptoms.evidence.loop_cores,
        "the pool": symptoms.workers_busy,
    }
    return {name: share for name, share in observed.items() if share is not None}


def _free(symptoms: Symptoms) -> str:
    """Say how busy the resources were that were not, the busiest first."""
    observed = _observed(symptoms).items()
    known = sorted((pair for pair in observed if pair[1] < NEARLY), key=lambda pair: -pair[1])
    if not known:
        return ""
    were = "was" if len(known) == 1 else "were"
    return f" while {listing([f'{name} ({percent(share)})' for name, share in known])} {were} free"
