"""Find a resource that was used up: an event loop, the GIL, cores, slots, the queue."""

from loadtests.cause.symptoms import Finding, Symptoms, milliseconds
from loadtests.wording import count_of, percent

FULL = 0.85  # of one thread, or of one GIL: the rest is lost to threads that wake up late
NEARLY = 0.75  # of the workers busy: then a queue of any length is soon full
CONVOY = 0.4  # of the GIL held by other threads: enough to make an event loop wait
MOSTLY = 0.75  # of the time in which the GIL is held
SURELY_HOPPING_S = 0.001  # a hop without data takes a few hundred µs at most
ONE_CORE = 1.25  # with one GIL a server computes on one core, and C code on a bit more


def blocked(symptoms: Symptoms) -> Finding | None:
    """Work on the event loop, which serves no other request meanwhile."""
    held, evidence = symptoms.loop_held, symptoms.evidence
    used = evidence.loop_cores or 0.0
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


def payload(symptoms: Symptoms) -> Finding | None:
    """Data that costs more to carry, there and back, than the work itself."""
    stages = symptoms.evidence.typical
    if symptoms.evidence.on_loop or stages is None:
        return None
    there_s, back_s, ran_s = stages.dispatched, stages.back, stages.ran
    hop_s = there_s + back_s
    if hop_s < 2 * ran_s:
        return None
    if symptoms.alone.hop_s is not None:
        # Contention lengthens a hop too, so the hop of a lone request decides.
        there_s, back_s = symptoms.alone.dispatch_s or 0.0, symptoms.alone.back_s or 0.0
    elif (symptoms.evidence.gil or 0.0) >= FULL or (symptoms.evidence.loop_cores or 0.0) >= FULL:
        return None
    if there_s + back_s < max(SURELY_HOPPING_S, ran_s) or back_s < (there_s + back_s) / 4:
        return None  # starting a process takes long on the way there only
    sentence = (
        f"the way to a worker and back took {milliseconds(hop_s)}, the work itself "
        f"{milliseconds(ran_s)}"
    )
    return Finding("payload", sentence, {"hop_ms": 1000 * hop_s, "ran_ms": 1000 * ran_s})


def loop_busy(symptoms: Symptoms) -> Finding | None:
    """An event loop that is used up by handling requests."""
    evidence = symptoms.evidence
    if evidence.loop_cores is None:
        return None
    held = evidence.gil or 0.0
    holds_it = held >= FULL and evidence.loop_cores >= MOSTLY * held
    if evidence.loop_cores < FULL and not holds_it:
        return None
    which = "the event loop" if evidence.loops == 1 else f"each of {evidence.loops} event loops"
    used, numbers = f"{evidence.loop_cores:.2f} of a core", {"loop_cores": evidence.loop_cores}
    if evidence.completed > 0:
        each_s = evidence.loop_cores * evidence.loops / evidence.completed
        numbers["loop_ms"] = 1000 * each_s
        used += f", {milliseconds(each_s)} per request"
    return Finding("loop busy", f"{which} used {used}", numbers)


def gil(symptoms: Symptoms) -> Finding | None:
    """A GIL that is always held; or often, while the event loop waits for it behind others."""
    evidence, held = symptoms.evidence, symptoms.evidence.gil
    if held is None:
        return _likely_gil(symptoms)
    others = held - (evidence.loop_cores or 0.0)
    convoy = symptoms.loop_lags and others >= CONVOY and not evidence.on_loop
    if held < FULL and not convoy:
        return None
    one_core = (evidence.server_cores or 0.0) <= ONE_CORE * evidence.servers
    if symptoms.cores_full and not (one_core and evidence.servers < evidence.cores):
        return None
    whose = "the GIL was" if evidence.servers == 1 else f"{evidence.servers} GILs were"
    sentence, numbers = f"{whose} held {percent(held)} of the time", {"gil": held}
    if held < FULL and evidence.loop_lag_p99_s is not None:
        numbers["loop_lag_p99_ms"] = 1000 * evidence.loop_lag_p99_s
        lag = milliseconds(evidence.loop_lag_p99_s)
        return Finding("GIL", f"{sentence}, and the event loop waited {lag} for it (p99)", numbers)
    if symptoms.busy_cores is not None:
        numbers["busy_cores"] = symptoms.busy_cores
        sentence += f" while {_of_cores(symptoms, symptoms.busy_cores)} were busy"
    return Finding("GIL", sentence, numbers | _waits(symptoms))


def _likely_gil(symptoms: Symptoms) -> Finding | None:
    """Infer it from outside, where the GIL is not visible: one core busy, and run ≫ CPU time."""
    evidence, stages = symptoms.evidence, symptoms.evidence.typical
    used, most = evidence.server_cores, evidence.servers
    if used is None or stages is None or evidence.on_loop or symptoms.cores_full:
        return None
    waited = stages.off_cpu >= max(2 * stages.on_cpu, 3 * (symptoms.alone.wait_s or 0.0), 1e-4)
    computed = stages.on_cpu > 0 and evidence.completed * stages.on_cpu >= used / 2
    if not (waited and computed and FULL * most <= used <= ONE_CORE * most):
        return None
    sentence = (
        f"the server used {_of_cores(symptoms, used)} while calls took "
        f"{milliseconds(stages.ran)} to compute for {milliseconds(stages.on_cpu)}"
    )
    return Finding("GIL", sentence, {"server_cores": used} | _waits(symptoms))


def _waits(symptoms: Symptoms) -> dict[str, float]:
    stages, alone_s = symptoms.evidence.typical, symptoms.alone.wait_s
    waits = {} if stages is None else {"off_cpu_ms": 1000 * stages.off_cpu}
    return waits if alone_s is None else waits | {"off_cpu_alone_ms": 1000 * alone_s}


def neighbour(symptoms: Symptoms) -> Finding | None:
    """Cores that are all busy, a good part of them with other processes."""
    if not symptoms.cores_full or not symptoms.hogged:
        return None
    other, server = symptoms.evidence.other_cores or 0.0, symptoms.evidence.server_cores or 0.0
    sentence = (
        f"other processes used {_of_cores(symptoms, other)}, leaving {server:.1f} for the server"
    )
    return Finding("neighbour", sentence, _uses(symptoms))


def cores(symptoms: Symptoms) -> Finding | None:
    """Cores that are all busy with the server, or with the generator."""
    if symptoms.busy_cores is None or not symptoms.cores_full:
        return None
    server, ours = symptoms.evidence.server_cores or 0.0, symptoms.evidence.generator_cores
    if ours > server:
        used = f"the generator used {_of_cores(symptoms, ours)}"
        return Finding("generator", f"{used}, more than the server ({server:.1f})", _uses(symptoms))
    busy = f"{_of_cores(symptoms, symptoms.busy_cores)} were busy"
    return Finding("cores", f"{busy}, {server:.1f} of them with the server", _uses(symptoms))


def _uses(symptoms: Symptoms) -> dict[str, float]:
    return {
        "server_cores": symptoms.evidence.server_cores or 0.0,
        "generator_cores": symptoms.evidence.generator_cores,
        "other_cores": symptoms.evidence.other_cores or 0.0,
    }


def pool(symptoms: Symptoms) -> Finding | None:
    """Slots that are all busy, while cores are not."""
    worked, evidence, stages = symptoms.workers_busy, symptoms.evidence, symptoms.evidence.typical
    if worked is None or worked < symptoms.full or symptoms.cores_full or stages is None:
        return None
    each_s, slots = stages.dispatched + stages.ran, evidence.slots or 1
    which = "the only slot was" if slots == 1 else f"all {slots} slots were"
    sentence = f"{which} busy {percent(worked)} of the time ({milliseconds(each_s)} per call)"
    numbers = {"workers_busy": worked, "slots": slots, "each_ms": 1000 * each_s}
    if symptoms.busy_cores is not None:
        idle = max(evidence.cores - symptoms.busy_cores, 0.0)
        numbers["idle_cores"] = idle
        sentence += f" while {_of_cores(symptoms, idle)} were idle"
    return Finding("pool", sentence, numbers)


def queue(symptoms: Symptoms) -> Finding | None:
    """A queue that is too short for bursts: it refuses requests while no resource is used up."""
    if symptoms.share_lost("refused") < 0.5:
        return None
    refused = symptoms.evidence.losses["refused"]
    numbers = {"refused": float(refused)}
    if (worked := symptoms.workers_busy or 0.0) >= NEARLY:
        slots = count_of(symptoms.evidence.slots or 1, "slot")
        sentence = f"{slots}, busy {percent(worked)} of the time, cannot absorb bursts"
        name = "cores" if symptoms.one_for_each_core else "pool"
        return Finding(name, sentence, numbers | {"workers_busy": worked})
    sentence = f"{count_of(refused, 'request')} found the queue full"
    if symptoms.workers_busy is not None:
        numbers["workers_busy"] = symptoms.workers_busy
        sentence += f" while slots were busy only {percent(symptoms.workers_busy)} of the time"
    return Finding("queue", sentence, numbers)


def _of_cores(symptoms: Symptoms, busy: float) -> str:
    return f"{busy:.1f} of {count_of(symptoms.evidence.cores, 'core')}"
