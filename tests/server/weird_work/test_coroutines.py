"""Async work runs under every model but `inline`, and harms no neighbour, whatever it does."""

import pytest

from server.tables import MODELS
from tests.server.models.test_contract import check
from tests.support.server_process import asking, running
from tests.support.weird_work import Victim, Weird

LAZY = 20  # threads and descriptors: each worker keeps an event loop, and some need threads
CONTINUES = r"(.*SystemExit: leaving.* continues.*\n)?"  # logged where the loop is the server's
RAISED = "^the work raised "
ODD = {  # how it is odd, the status, and a pattern for the result or the message
    "never_awaits": (200, "^499500$"),
    "fail_in_group": (500, RAISED + "ExceptionGroup: unhandled errors in a TaskGroup"),
    "cancel_itself": (500, RAISED + "CancelledError"),
    "ignore_cancellation": (200, "went on"),
    "run_nested": (500, RAISED + r"RuntimeError: asyncio.run\(\) cannot be called from a running"),
    "close_loop": (500, RAISED + "RuntimeError: Cannot close a running event loop"),
    "leave_timer": (200, "left"),
    "change_factory": (200, "changed"),
    "set_variable": (200, "as it was"),
    "leave_generator": (200, "^0$"),
    "use_threads": (200, "asyncio|uvloop"),
    "forget_loop": (200, "forgot"),
    "listen": (200, "refused|listens"),
    "give_coroutine": (500, r"what has to be awaited \(coroutine\)"),
    "give_rows": (200, "99999"),
}
EXITS = {
    "await_exit": (500, RAISED + "SystemExit: leaving"),
    "stop_loop": (200, "went on"),
    "leave_failure": (200, "left"),
}


@pytest.mark.parametrize("model", MODELS)
async def test_odd_coroutines_harm_nobody(model: str, weird: Victim) -> None:
    works = [
        Weird(f"wait_oddly?how={how}", status, words)
        for _ in range(2)  # what the first round leaves behind does not show in the second
        for how, (status, words) in ODD.items()
    ]
    if model != "async":  # there, tasks that are left go on, on the event loop of the server
        works += [Weird(f"wait_oddly?how={how}", *EXITS[how], CONTINUES) for how in EXITS]
    async with asking(weird.server) as client:
        if model not in weird.models:
            pytest.skip("it does not run here, or the same under another start method")
        if model == "inline":
            answer = await client.ask("/wait_oddly/inline")
            assert answer.error["message"].startswith("this cannot run: it is async, and the event")
            return
        await weird.survives(client, model, works, LAZY)
        body = check(await client.ask(f"/fetch_and_add/{model}"), "fetch_and_add", model)
        assert body["result"] == 6
        if model != "async":
            assert body["ms"]["cpu"] < body["ms"]["ran"]


async def test_tasks_that_a_call_leaves_end_with_it() -> None:
    own = ("--models", "thread-pool", "--threads", "1", "--deadline", "1s")
    with running(*own, "--workloads", "tests.support.odd_coroutines", module="server") as server:
        async with asking(server) as client:
            ended = [
                (await client.ask("/wait_oddly/thread-pool?how=leave_task")).json["result"]
                for _ in range(3)
            ]
            assert ended == [0, 1, 2], "each had ended before the next call began"
            assert (await client.ask("/cling/thread-pool")).status == 504, "it is not over"
            await client.until("thread-pool", busy=1, abandoned=1)
        assert await server.stopped() == 0
