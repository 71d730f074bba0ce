"""What users have and need is checked against the service, and what it says of itself is kept."""

from dataclasses import replace

import pytest

from loadtests.errors import ServiceError
from loadtests.run.options import Options
from loadtests.run.survival.plan import broken, check_wishes, described
from loadtests.service.contract import Discovery

DISCOVERY = Discovery(
    models={
        "inline": {
            "promises": {"bounded": False, "kills_late": False},
            "cannot": {"bounded": "it is not queued", "kills_late": "it holds the loop"},
        },
        "thread-pool": {
            "promises": {"bounded": True, "kills_late": False},
            "cannot": {"kills_late": "a thread cannot be stopped"},
        },
        "supervised-process-pool": {"promises": {"bounded": True, "kills_late": True}},
    },
    workloads={
        "sleep": {
            "doc": "Block for `ms`.",
            "parameters": {"ms": {"default": 10, "unit": "ms"}, "note": {"default": ""}},
        },
        "noop": {"doc": "Do nothing.", "parameters": {}},
    },
    runtime={},
)  # fmt: skip
MEASURED = ("inline", "thread-pool")


def test_the_run_keeps_what_workloads_are_and_which_promises_are_broken() -> None:
    options = Options(parameters={"sleep": {"ms": "25"}})
    assert described(options, DISCOVERY, ["sleep", "noop"]) == {
        "sleep": {
            "doc": "Block for `ms`.",
            "parameters": {"ms": "25", "note": ""},
            "units": {"ms": "ms"},
        },
        "noop": {"doc": "Do nothing.", "parameters": {}, "units": {}},
    }
    assert broken([DISCOVERY]) == {
        name: DISCOVERY.models[name]["cannot"] for name in ("inline", "thread-pool")
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(baseline="thread"), "unknown row 'thread'; did you mean 'thread-pool'"),
        (Options(baseline="supervised-process-pool"), "add it to --models"),
        (Options(need=("kill_late",)), "unknown promise 'kill-late'; did you mean 'kills-l"),
    ],
)  # fmt: skip
def test_a_wish_that_the_run_cannot_answer_is_refused(options: Options, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        check_wishes(replace(options, models=MEASURED), DISCOVERY)


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(baseline="thread-pool", need=("kills_late", "bounded")),
        Options(baseline="thread-pool · 3.13"),
    ],
)
def test_a_wish_that_can_be_answered_passes(options: Options) -> None:
    check_wishes(replace(options, models=MEASURED), DISCOVERY)
    check_wishes(Options(models=("thread-pool",)), DISCOVERY)  # the default need not be measured
