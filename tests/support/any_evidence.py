"""Evidence of any kind, likely or not: no conclusion from it may fail."""

from hypothesis import strategies as st

from loadtests.load.answer import Stages
from loadtests.trial.evidence import Evidence

seconds = st.floats(0, 10)
maybe = st.none() | st.floats(0, 8)
counts = st.integers(0, 500)
stages = st.builds(Stages, *[seconds] * 7)
evidences = st.builds(
    Evidence,
    rate=st.just(0.0) | st.floats(0.1, 1e4),
    duration_s=seconds,
    bound_s=st.floats(0.001, 10),
    scheduled=counts,
    completed=st.just(0.0) | st.floats(0.1, 1e4),
    losses=st.dictionaries(
        st.sampled_from(["late", "refused", "expired", "failed", "wrong", "unfinished"]), counts
    ),
    errors=st.dictionaries(
        st.sampled_from(["HTTP 500", "MemoryError", "ConnectionResetError", "timed out"]), counts
    ),
    bystander_loss=st.floats(0, 1),
    bystander_p99_s=maybe,
    cores=st.integers(1, 64),
    server_cores=maybe,
    generator_cores=st.floats(0, 4),
    generator_busy=st.floats(0, 1),
    other_cores=maybe,
    gil=st.none() | st.floats(0, 1),
    servers=st.integers(1, 4),
    loop_cores=st.none() | st.floats(0, 1),
    loops=st.integers(1, 4),
    loop_lag_p50_s=maybe,
    loop_lag_p99_s=maybe,
    busy=st.none() | st.integers(0, 100),
    left=st.integers(0, 100),
    abandoned=st.integers(0, 100),
    pools=st.dictionaries(
        st.sampled_from(["thread-pool", "process-pool"]),
        st.tuples(st.integers(1, 100), st.integers(0, 100)),
    ),
    ran_p50_s=maybe,
    ran_too_long=st.none() | st.floats(0, 1),
    refuses_over_s=st.none() | seconds,
    io_pressure=st.none() | st.floats(0, 1),
    throttled=st.none() | st.floats(0, 1),
    slots=st.none() | st.integers(0, 100),
    on_loop=st.booleans(),
    typical=st.none() | stages,
    late=st.none() | stages,
    lost_workers=st.integers(0, 20),
    memory_pressure=st.none() | st.floats(0, 1),
)
