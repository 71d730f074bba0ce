"""Find causes other than a used-up resource: memory, crashes, failures, generator, slow work."""

from statistics import median

from loadtests.cause.symptoms import Finding, Symptoms, milliseconds
from loadtests.trial.evidence import GENERATOR_FULL
from loadtests.wording import count_of, percent

PRESSED = 0.1  # of the time waiting for memory: the machine is swapping, or about to
SOME = 0.3  # of the lost requests: enough to break any objective, and not by chance
SENT_LATE = 0.5  # of the time of late requests
SHARED = 0.7  # of a core: a generator that used less was waiting for a core
STOPPED = 0.05  # of the time, by a CPU quota
FEW = 3.0  # runs beyond the bound may be chance
CRASHES_PER_S = 0.5  # each costs a worker until a new one has started


def memory(symptoms: Symptoms) -> Finding | None:
    """Work that asked for more memory than there is, or processes that waited for it."""
    errors = symptoms.evidence.errors.items()
    failed = sum(n for text, n in errors if "memoryerror" in text.lower().replace(" ", ""))
    if failed and failed >= SOME * symptoms.lost:
        requests = count_of(failed, "request")
        return Finding("memory", f"{requests} failed with MemoryError", {"memory_errors": failed})
    pressure = symptoms.evidence.memory_pressure or 0.0
    if pressure < PRESSED:
        return None
    numbers = {"memory_pressure": pressure}
    sentence = f"processes waited for memory {percent(pressure)} of the time"
    if lost := symptoms.evidence.lost_workers:
        numbers["lost_workers"] = lost
        sentence += f", and {count_of(lost, 'worker')} died"
    return Finding("memory", sentence, numbers)


def crashes(symptoms: Symptoms) -> Finding | None:
    """Workers that died, often enough to matter."""
    died, failed = symptoms.evidence.lost_workers, symptoms.share_lost("failed", "unfinished")
    duration_s = max(symptoms.evidence.duration_s, 1e-3)
    if died <= 0 or (failed < SOME and died < CRASHES_PER_S * duration_s):
        return None
    failures = symptoms.evidence.losses.get("failed", 0)
    sentence = f"{count_of(died, 'worker')} died within {duration_s:.1f} s"
    if failures:
        sentence += f" and {count_of(failures, 'request')} failed"
    return Finding("crashes", sentence, {"lost_workers": died, "failed": failures})


def failures(symptoms: Symptoms) -> Finding | None:
    """Work that fails or gives wrong answers, regardless of the load."""
    if symptoms.faults < 0.5:
        return None
    kinds = ("failed", "wrong")
    counts = {kind: symptoms.evidence.losses.get(kind, 0) for kind in kinds}
    worst = max(kinds, key=counts.__getitem__)
    requests = count_of(max(symptoms.evidence.scheduled, symptoms.lost), "request")
    ended = "failed" if worst == "failed" else "had a wrong answer"
    sentence = f"{counts[worst]} of {requests} {ended}"
    if errors := symptoms.evidence.errors:
        sentence += f" ({max(errors, key=errors.__getitem__)})"
    return Finding("failures", sentence, dict(counts))


def generator(symptoms: Symptoms) -> Finding | None:
    """A generator that was late to send or to read, so that the service may not be at fault."""
    share, used = symptoms.shares.get("lag", 0.0), symptoms.evidence.generator_cores
    if share >= SENT_LATE and (used >= SHARED or not symptoms.cores_full):
        sentence = (
            f"late requests spent {percent(share)} of their time until the generator sent them"
        )
        sentence += f" (it used {used:.2f} of a core)" if used else ""
        return Finding("generator", sentence, {"lag_share": share, "generator_cores": used})
    busy, beside = symptoms.evidence.generator_busy, share + symptoms.shares.get("outside", 0.0)
    if busy < GENERATOR_FULL or beside < SENT_LATE or symptoms.loop_full:
        return None
    sentence = (
        f"the generator used {busy:.2f} of a core, and late requests spent {percent(beside)} of "
        "their time there or in transit"
    )
    return Finding("generator", sentence, {"generator_busy": busy, "beside_share": beside})


def quota(symptoms: Symptoms) -> Finding | None:
    """A CPU quota that stopped server or generator."""
    stopped = symptoms.evidence.throttled or 0.0
    if stopped < STOPPED:
        return None
    sentence = f"a CPU quota stopped our processes {percent(stopped)} of the time"
    return Finding("CPU quota", sentence, {"throttled": stopped})


def too_slow(symptoms: Symptoms) -> Finding | None:
    """Work that takes longer than the objective allows, even alone; or does so too often."""
    alone_s, evidence = symptoms.alone.slot_s, symptoms.evidence
    bound, numbers = milliseconds(evidence.bound_s), {"bound_ms": 1000 * evidence.bound_s}
    if symptoms.runs and alone_s is not None:
        alone_s = min(alone_s, median(symptoms.runs) + (symptoms.alone.dispatch_s or 0.0))
    if alone_s is not None and alone_s > evidence.bound_s:
        took = milliseconds(alone_s)
        sentence = f"the work takes {took} without contention, longer than the {bound}"
        return Finding(
            "too slow", f"{sentence} of the objective", {"alone_ms": 1000 * alone_s, **numbers}
        )
    share, answers = evidence.ran_too_long or 0.0, evidence.completed * evidence.duration_s
    if share <= evidence.loss_ratio or share * answers < FEW:
        return None
    if not symptoms.usual_run or symptoms.loop_lags:
        return None  # something held up the work
    usual = milliseconds(evidence.ran_p50_s or 0.0)
    sentence = (
        f"the work itself ran for more than {bound} in {100 * share:.1f} % of the calls, and the "
        f"objective allows {100 * evidence.loss_ratio:.2g} % (half of them took {usual} at most)"
    )
    return Finding("too slow", sentence, {"ran_too_long": share, **numbers})
