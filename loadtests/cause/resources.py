"""Find a resource that was used up: an event loop, the GIL, cores, slots.

How much that is depends on the objective: with a tight bound, requests wait too long for a resource
that is busy 40 % of the time. So each utilisation is divided by its critical one.
"""

from loadtests.cause.symptoms import FULL, NEARLY, Finding, Pool, Symptoms, milliseconds
from loadtests.wording import count_of, percent

CONVOY = 0.4  # of the GIL held by other threads: enough to make an event loop wait
MOSTLY = 0.75  # of the time in which the GIL is held
SURELY_HOPPING_S = 0.0015  # a hop without data takes a few hundred µs at most
ONE_CORE = 1.25  # with one GIL a server computes on one core, and C code on a bit more
IDLE = 0.5  # of an event loop, or of its GIL: then its timers are not late for computing
STALLED_S = 0.01  # timers of a healthy loop are less late than that


def blocked(symptoms: Symptoms) -> Finding | None:
    """Work on the event loop, which serves no other request meanwhile."""
    held, evidence = symptoms.loop_held, symptoms.evidence
    used = evidence.loop_cores or 0.0
    if symptoms.awaited:
        return _blocked_by_coroutine(symptoms)
    if not evidence.on_loop or (held is not None and held < used / 2):
        return None  # or the work is so small that the loop is busy with requests as such
    outside = symptoms.shares.get("outside", 0.0)
    if max(held or 0.0, used) < 0.6 and not symptoms.loop_lags and outside < 0.5:
        return None
    numbers, sentence = dict[str, float](), "the work ran on the event loop"
    if held is not None and evidence.typical is not None:
        numbers |= {"loop_held": held, "ran_ms": 1000 * evidence.typical.ran}
        ran = milliseconds(evidence.typical.ran)
        sentence = f"the work held the event loop {percent(held)} of the time ({ran} per call)"
    if evidence.loop_lag_p99_s is not None:
        numbers["loop_lag_p99_ms"] = 1000 * evidence.loop_lag_p99_s
        sentence += f"; its timers fired {milliseconds(evidence.loop_lag_p99_s)} late (p99)"
    return Finding("loop blocked", sentence, numbers)


def _blocked_by_coroutine(symptoms: Symptoms) -> Finding | None:
    """Find timers that are late while the loop's own thread is idle, and nobody holds the GIL."""
    evidence, lag_s = symptoms.evidence, symptoms.evidence.loop_lag_p99_s or 0.0
    used, held = evidence.loop_cores, evidence.gil or 0.0
    waited = sum(symptoms.shares.get(stage, 0.0) for stage in ("outside", "dispatched", "back"))
    if used is None or max(used, held) >= IDLE or (symptoms.cores_full and symptoms.computes):
        return None
    if lag_s < max(evidence.bound_s / 8, STALLED_S) or waited < 0.4:
        return None
    sentence = (
        f"a coroutine blocked the event loop: its timers fired {milliseconds(lag_s)} late (p99) "
        f"while its thread used {used:.2f} of a core"
    )
    return Finding("loop blocked", sentence, {"loop_lag_p99_ms": 1000 * lag_s, "loop_cores": used})


def payload(symptoms: Symptoms) -> Finding | None:
    """Data that costs more to carry, there and back, than the work itself."""
    stages = symptoms.evidence.typical
    if symptoms.evidence.on_loop or stages is None:
        return None
    there_s, back_s, ran_s = stages.dispatched, stages.back, stages.ran
    hop_s, beside_s = there_s + back_s, 0.0
    if symptoms.alone.hop_s is not None:
        # Contention lengthens a hop too, so the hop of a lone request decides.
        there_s, back_s = symptoms.alone.dispatch_s or 0.0, symptoms.alone.back_s or 0.0
        ran_s = symptoms.run_s or 0.0
        hop_s = there_s + back_s
        beside_s = max((symptoms.alone.response_s or 0.0) - ran_s - hop_s, 0.0)
    elif max(symptoms.evidence.gil or 0.0, symptoms.evidence.loop_cores or 0.0) >= FULL:
        return None
    if hop_s < SURELY_HOPPING_S or back_s < hop_s / 4 or hop_s + beside_s < 2 * ran_s:
        return None  # starting a process takes long on the way there only
    carried = f"the way to a worker and back takes {milliseconds(hop_s)}"
    if beside_s >= hop_s / 4:
        carried += f", reading and writing the data {milliseconds(beside_s)}"
    sentence = f"{carried}, the work itself {milliseconds(ran_s)}"
    numbers = {"hop_ms": 1000 * hop_s, "beside_ms": 1000 * beside_s, "ran_ms": 1000 * ran_s}
    return Finding("payload", sentence, numbers)


def loop_busy(symptoms: Symptoms) -> Finding | None:
    """An event loop that is used up by handling requests."""
    evidence = symptoms.evidence
    if evidence.loop_cores is None:
        return None
    held, busy = evidence.gil or 0.0, evidence.loop_cores
    if evidence.loop_cores >= MOSTLY * held:
        busy = max(busy, held)  # it is the loop that holds the GIL
    quotient = symptoms.quotient(
        busy, evidence.loops, symptoms.each_s(evidence.loop_cores * evidence.loops)
    )
    if quotient < symptoms.nearly:
        return None
    which = "the event loop" if evidence.loops == 1 else f"each of {evidence.loops} event loops"
    used, numbers = f"{evidence.loop_cores:.2f} of a core", {"loop_cores": evidence.loop_cores}
    if evidence.completed > 0:
        each_s = evidence.loop_cores * evidence.loops / evidence.completed
        numbers["loop_ms"] = 1000 * each_s
        used += f", {milliseconds(each_s)} per request"
    return Finding("loop busy", f"{which} used {used}", numbers, quotient)


def gil(symptoms: Symptoms) -> Finding | None:
    """A GIL that is held too often; or that the event loop waits for behind other threads."""
    evidence, held = symptoms.evidence, symptoms.evidence.gil
    if held is None:
        return _likely_gil(symptoms)
    others = held - (evidence.loop_cores or 0.0)
    starved = symptoms.loop_lags and not evidence.on_loop and not symptoms.awaited
    quotient = symptoms.quotient(held, evidence.servers, symptoms.each_s(held * evidence.servers))
    one_core = (evidence.server_cores or 0.0) <= ONE_CORE * evidence.servers
    if symptoms.cores_full and not (one_core and evidence.servers < evidence.cores):
        return None
    whose = "the GIL was" if evidence.servers == 1 else f"{evidence.servers} GILs were"
    sentence, numbers = f"{whose} held {percent(held)} of the time", {"gil": held}
    lag_s = evidence.loop_lag_p99_s or 0.0
    if starved and others < CONVOY and symptoms.paused and not symptoms.cores_full:
        usual_s = evidence.loop_lag_p50_s or 0.0
        numbers |= {"loop_lag_p99_ms": 1000 * lag_s, "loop_lag_p50_ms": 1000 * usual_s}
        waited = f"{milliseconds(lag_s)} for it at p99, {milliseconds(usual_s)} at p50"
        sentence = f"{whose} held in pauses: the event loop waited {waited}"
        return Finding("GIL", sentence, numbers, max(quotient, 1.0))
    if starved and others >= CONVOY and held < FULL:
        numbers |= {"loop_lag_p99_ms": 1000 * lag_s}
        sentence += f", and the event loop waited {milliseconds(lag_s)} for it (p99)"
        return Finding("GIL", sentence, numbers, max(quotient, 1.0))
    if quotient < symptoms.nearly:
        return None
    if symptoms.busy_cores is not None:
        numbers["busy_cores"] = symptoms.busy_cores
        sentence += f" while {_of_cores(symptoms, symptoms.busy_cores)} were busy"
    return Finding("GIL", sentence, numbers | _waits(symptoms), quotient)


def _likely_gil(symptoms: Symptoms) -> Finding | None:
    """Infer it from outside, where the GIL is not visible: one core busy, and run ≫ CPU time."""
    evidence, stages = symptoms.evidence, symptoms.evidence.typical
    used, most = evidence.server_cores, evidence.servers
    if used is None or stages is None or evidence.on_loop or symptoms.cores_full:
        return None
    waited = stages.off_cpu >= max(2 * stages.on_cpu, 3 * (symptoms.alone.wait_s or 0.0), 1e-4)
    computed = stages.on_cpu > 0 and evidence.completed * stages.on_cpu >= used / 2
    quotient = symptoms.quotient(used / most, most, stages.on_cpu)
    if not (waited and computed and quotient >= NEARLY and used <= ONE_CORE * most):
        return None
    sentence = (
        f"the server used {_of_cores(symptoms, used)} while calls took "
        f"{milliseconds(stages.ran)} to compute for {milliseconds(stages.on_cpu)}"
    )
    return Finding("GIL", sentence, {"server_cores": used} | _waits(symptoms), quotient)


def _waits(symptoms: Symptoms) -> dict[str, float]:
    stages, alone_s = symptoms.evidence.typical, symptoms.alone.wait_s
    waits = {} if stages is None else {"off_cpu_ms": 1000 * stages.off_cpu}
    return waits if alone_s is None else waits | {"off_cpu_alone_ms": 1000 * alone_s}


def neighbour(symptoms: Symptoms) -> Finding | None:
    """Cores that are all busy, a good part of them with other processes."""
    quotient = _cores_quotient(symptoms)
    if quotient is None or not symptoms.hogged or not symptoms.computes:
        return None
    other, server = symptoms.evidence.other_cores or 0.0, symptoms.evidence.server_cores or 0.0
    sentence = (
        f"other processes used {_of_cores(symptoms, other)}, leaving {server:.1f} for the server"
    )
    return Finding("neighbour", sentence, _uses(symptoms), quotient)


def cores(symptoms: Symptoms) -> Finding | None:
    """Cores that are all busy with the server, or with the generator."""
    quotient = _cores_quotient(symptoms)
    if quotient is None or symptoms.busy_cores is None or symptoms.hogged:
        return None
    server, ours = symptoms.evidence.server_cores or 0.0, symptoms.evidence.generator_cores
    if ours > server:
        used = f"the generator used {_of_cores(symptoms, ours)}"
        sentence = f"{used}, more than the server ({server:.1f})"
        return Finding("generator", sentence, _uses(symptoms), quotient)
    busy = f"{_of_cores(symptoms, symptoms.busy_cores)} were busy"
    return Finding(
        "cores", f"{busy}, {server:.1f} of them with the server", _uses(symptoms), quotient
    )


def _cores_quotient(symptoms: Symptoms) -> float | None:
    """How busy the cores were as against the objective; None if that was not nearly the limit."""
    busy, evidence = symptoms.cores_busy, symptoms.evidence
    if busy is None:
        return None
    at_once = min(evidence.cores, evidence.slots or evidence.cores)
    quotient = symptoms.quotient(busy, at_once, symptoms.each_s(evidence.server_cores or 0.0))
    return quotient if quotient >= symptoms.nearly else None


def _uses(symptoms: Symptoms) -> dict[str, float]:
    return {
        "server_cores": symptoms.evidence.server_cores or 0.0,
        "generator_cores": symptoms.evidence.generator_cores,
        "other_cores": symptoms.evidence.other_cores or 0.0,
    }


def pool(symptoms: Symptoms) -> Finding | None:
    """Slots that are all busy with what a call takes alone: more of them would serve more calls."""
    full = max(
        ((symptoms.quotient(pool.busy, pool.slots, pool.each_s), pool) for pool in symptoms.pools),
        key=lambda pair: pair[0],
        default=None,
    )
    if full is None or full[0] < symptoms.nearly:
        return None
    quotient, known = full
    if symptoms.cores_full:  # then more slots would find no core
        quotient = min(quotient, _cores_quotient(symptoms) or quotient)
    numbers = {"workers_busy": known.busy, "slots": known.slots, "each_ms": 1000 * known.each_s}
    sentence = _slots(known)
    if symptoms.stuck > known.slots / 4 and not known.name:
        numbers["stuck"] = symptoms.stuck
        stuck = f"{symptoms.stuck} of {known.slots} slots were taken by calls that did not end"
        sentence = f"{stuck}, so that {percent(known.busy)} of all were busy"
    elif symptoms.busy_cores is not None:
        idle = max(symptoms.evidence.cores - symptoms.busy_cores, 0.0)
        numbers["idle_cores"] = idle
        sentence += f" while {_of_cores(symptoms, idle)} were idle"
    return Finding("pool", sentence, numbers, quotient)


def _slots(known: Pool) -> str:
    slots = "slot" if known.slots == 1 else "slots"
    which = f"the only {slots} was" if known.slots == 1 else f"all {known.slots} {slots} were"
    if known.name:
        which = which.replace(slots, f"{slots} of the {known.name}")
    busy, took = percent(known.busy), milliseconds(known.each_s)
    return f"{which} busy {busy} of the time ({took} per call)"


def _of_cores(symptoms: Symptoms, busy: float) -> str:
    return f"{busy:.1f} of {count_of(symptoms.evidence.cores, 'core')}"
