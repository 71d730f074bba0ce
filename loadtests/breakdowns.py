"""Causes that are no lack of capacity: memory, crashes, failing work, work that is too slow."""

from loadtests.symptoms import Finding, Symptoms, milliseconds
from loadtests.wording import count_of, percent

PRESSED = 0.1  # of the time waiting for memory: then the machine is swapping, or about to
SOME = 0.3  # of the lost requests: enough to break any objective, and no accident
CRASHES_PER_S = 0.5  # each costs a worker for the time that a new one takes to start


def memory(seen: Symptoms) -> Finding | None:
    """Work that asked for more memory than there is, or processes that waited for it."""
    errors = seen.evidence.errors.items()
    told = sum(n for text, n in errors if "memoryerror" in text.lower().replace(" ", ""))
    if told and told >= SOME * seen.lost:
        requests = count_of(told, "request")
        return Finding("memory", f"{requests} failed with MemoryError", {"memory_errors": told})
    pressure = seen.evidence.memory_pressure or 0.0
    if pressure < PRESSED:
        return None
    numbers = {"memory_pressure": pressure}
    sentence = f"processes waited for memory {percent(pressure)} of the time"
    if lost := seen.evidence.lost_workers:
        numbers["lost_workers"] = lost
        sentence += f", and {count_of(lost, 'worker')} died"
    return Finding("memory", sentence, numbers)


def crashes(seen: Symptoms) -> Finding | None:
    """Workers that died, so often that it tells."""
    died, failed = seen.evidence.lost_workers, seen.share_lost("failed", "unfinished")
    duration_s = max(seen.evidence.duration_s, 1e-3)
    if died <= 0 or (failed < SOME and died < CRASHES_PER_S * duration_s):
        return None
    failures = seen.evidence.losses.get("failed", 0)
    sentence = f"{count_of(died, 'worker')} died within {duration_s:.1f} s"
    if failures:
        sentence += f" and {count_of(failures, 'request')} failed"
    return Finding("crashes", sentence, {"lost_workers": died, "failed": failures})


def failures(seen: Symptoms) -> Finding | None:
    """Work that fails or answers wrongly, whatever the load."""
    if seen.faults < 0.5:
        return None
    kinds = ("failed", "wrong")
    counts = {kind: seen.evidence.losses.get(kind, 0) for kind in kinds}
    worst = max(kinds, key=counts.__getitem__)
    requests = count_of(max(seen.evidence.scheduled, seen.lost), "request")
    done = "failed" if worst == "failed" else "had a wrong answer"
    sentence = f"{counts[worst]} of {requests} {done}"
    if errors := seen.evidence.errors:
        said = max(errors, key=errors.__getitem__)
        sentence += f" ({said})"
    return Finding("failures", sentence, dict(counts))


def generator(seen: Symptoms) -> Finding | None:
    """A generator that sent late: the service is not to blame, or not known to be."""
    share, used = seen.shares.get("lag", 0.0), seen.evidence.generator_cores
    if share < 0.5 or (seen.cores_full and used < 0.7):
        return None
    sentence = f"the generator sent late, which took {percent(share)} of the time of such requests"
    if used:
        sentence += f"; it used {used:.2f} of a core"
    return Finding("generator", sentence, {"lag_share": share, "generator_cores": used})


def too_slow(seen: Symptoms) -> Finding | None:
    """Work that takes longer than the objective allows, alone as in a crowd."""
    alone_s, bound_s = seen.alone.slot_s, seen.evidence.bound_s
    if alone_s is None or alone_s <= bound_s:
        return None
    took = milliseconds(alone_s)
    sentence = f"the work takes {took} when nothing contends, beyond the {milliseconds(bound_s)} "
    numbers = {"alone_ms": 1000 * alone_s, "bound_ms": 1000 * bound_s}
    return Finding("too slow", f"{sentence}of the objective", numbers)
