"""Find causes other than a used-up resource: memory, crashes, failures, generator, slow work."""

from loadtests.cause.symptoms import Finding, Symptoms, milliseconds
from loadtests.trial.evidence import GENERATOR_FULL
from loadtests.wording import count_of, percent

PRESSED = 0.1  # of the time waiting for memory: the machine is swapping, or about to
SOME = 0.3  # of the lost requests: enough to break any objective, and not by chance
SENT_LATE = 0.5  # of the time of late requests
SHARED = 0.7  # of a core: a generator that used less was waiting for a core
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


def too_slow(symptoms: Symptoms) -> Finding | None:
    """Work that takes longer than the objective allows, even alone."""
    alone_s, bound_s = symptoms.alone.slot_s, symptoms.evidence.bound_s
    if alone_s is None or alone_s <= bound_s:
        return None
    took = milliseconds(alone_s)
    sentence = f"the work takes {took} without contention, longer than the {milliseconds(bound_s)} "
    numbers = {"alone_ms": 1000 * alone_s, "bound_ms": 1000 * bound_s}
    return Finding("too slow", f"{sentence}of the objective", numbers)
