"""Only `inline` blocks the event loop: under every other model, work waits elsewhere."""

import asyncio

import pytest
import uvloop
from aiohttp.test_utils import TestClient, TestServer
from blockbuster import blockbuster_ctx

from server.models.selection import absent
from server.settings import Settings
from server.web.app import build

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("loop", LOOPS)
def test_only_inline_blocks_the_event_loop(loop: str) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        answers = runner.run(sleep_under_every_model())
    assert answers.pop("inline") == (
        500,
        "the work raised BlockingError: Blocking call to time.sleep",
    )
    assert answers == dict.fromkeys(started() - {"inline"}, (200, None))


def started() -> set[str]:
    return {name for name, why in absent(Settings()).items() if why is None}


async def sleep_under_every_model() -> dict[str, tuple[int, str | None]]:
    """Run `sleep` under each model, with detectors in all blocking calls."""
    answers = {}
    app = build(Settings.parse(["--threads", "1", "--processes", "1"]))
    async with TestClient(TestServer(app)) as client:
        with blockbuster_ctx():
            for model in started():
                async with client.get(f"/sleep/{model}") as answer:
                    body = await answer.json()
                    message = body.get("error", {}).get("message")
                    answers[model] = (answer.status, message)
    return answers
