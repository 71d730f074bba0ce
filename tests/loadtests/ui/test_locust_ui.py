"""The Locust UI as a new user meets it, in a real browser: the form, and our tabs."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from tests.support.browser import NARROW, ON_ITS_LOOP, Watched, watched
from tests.support.cli import soon
from tests.support.locust_ui import Interface, up
from tests.support.server_process import PATIENCE_S

USERS = "40"
TABS = ("Load", "Compare", "Server")
CELLS = ("thread-pool", "async")
OF_SURVIVAL = ("mode", "baseline", "need", "atLoad")


@pytest.fixture
def interface(database: None, tmp_path: Path) -> Iterator[Interface]:
    with up(tmp_path) as (_, ui):
        yield ui


async def opened(page: Page, title: str) -> FrameLocator:
    """Open one of our tabs."""
    await page.get_by_role("tab", name=title, exact=True).click()
    return page.frame_locator(f"iframe[title={title}]")


async def started(page: Page) -> None:
    """Fill in the form, wrongly at first; it shows the fields of the chosen scenario only."""
    start = page.get_by_role("button", name="Start")
    await expect(start).to_be_in_viewport()
    await expect(page.locator("[name=steps]")).to_be_hidden()
    await page.select_option("[name=scenario]", "survival")
    for name in OF_SURVIVAL:
        await expect(page.locator(f"[name={name}]")).to_be_visible()
    await expect(page.locator("label", has_text="Your load (in requests")).to_be_visible()
    await expect(page.locator("[name=userCount]")).to_be_hidden()
    await expect(start).to_be_in_viewport(ratio=1)
    await page.select_option("[name=scenario]", "compare")
    for name in OF_SURVIVAL:
        await expect(page.locator(f"[name={name}]")).to_be_hidden()
    await page.select_option("[name=workloads]", "sleep")
    await page.select_option("[name=models]", [*CELLS])
    await page.fill("[name=param]", "sleep.ms=2")
    await page.fill("[name=userCount]", USERS)
    label = page.locator("label", has_text=f"{USERS} = {USERS} requests per second")
    await expect(label).to_contain_text("to one cell at a time")
    await page.fill("[name=slo]", "fast")
    await start.click()
    await expect(page.get_by_role("alert")).to_contain_text("invalid SLO 'fast'")
    await page.fill("[name=slo]", "p99<500ms")
    await start.click()


async def look_at_all(page: Page) -> None:
    """See that each tab fills, and goes on, beginning with the one that Start has opened."""
    compare = page.frame_locator("iframe[title=Compare]")
    await expect(compare.locator("#cells tbody tr")).to_have_count(len(CELLS))
    await expect(compare.locator("#cells td", has_text="%").first).to_be_visible()
    await expect(compare.locator("#about")).to_contain_text("turns of 7 s alone")
    await expect(compare.locator("#at-once")).to_be_hidden()
    ours = await page.get_by_role("tab", name=TABS[-1], exact=True).bounding_box()
    stock = await page.get_by_role("tab", name="Statistics").bounding_box()
    assert ours
    assert stock
    assert ours["x"] < stock["x"]
    await page.get_by_role("tab", name="Statistics").click()
    await expect(page.get_by_role("cell", name="sleep/").first).to_be_visible()
    await expect(page.get_by_role("cell", name="bystander")).to_have_count(0)
    server = await opened(page, "Server")
    await expect(server.locator("#processes tbody tr").nth(2)).to_be_visible()
    lasts = server.locator("#loop b").last
    before = await lasts.inner_text()
    await expect(lasts).not_to_have_text(before)
    load = await opened(page, "Load")
    await expect(load.locator("#seconds td.number", has_text=USERS).first).to_be_visible()
    await expect(load.locator("#rates path.offered")).to_have_attribute("d", re.compile("L"))
    await expect(load.locator("#about")).to_contain_text(f"{USERS} users = {USERS} requests")


def nothing_else_changes(ui: Interface) -> None:
    """Ask for more than another number of users while the test runs."""
    for name, value, why in (
        ("host", "http://127.0.0.1:1", "stop it before you choose another host"),
        ("models", "nosuch", "unknown model 'nosuch'"),
        ("steps", "abc", "invalid number of steps 'abc'"),
        ("slo", "<b>", "invalid SLO '<b>'"),
    ):
        answer = ui.ask("/swarm", {"user_count": USERS, "spawn_rate": USERS, name: value})
        assert why in json.loads(answer.body)["message"]


async def widths(viewer: Watched) -> None:
    for title in TABS:
        frame = await opened(viewer.page, title)
        body = frame.locator("html")
        await expect(body).to_have_attribute("data-theme", "dark")
        assert await body.evaluate("page => page.scrollWidth - page.clientWidth") <= 0
        assert await viewer.overflow() <= 0


@ON_ITS_LOOP
async def test_a_new_user_starts_a_load_and_sees_it(interface: Interface, browser: Browser) -> None:
    expect.set_options(timeout=PATIENCE_S * 1000)
    viewer = await watched(browser)
    await viewer.page.goto(interface.url)
    await started(viewer.page)
    await look_at_all(viewer.page)
    frame = viewer.page.frame_locator("iframe")
    await expect(frame.locator("html")).to_have_attribute("data-theme", "light")
    await viewer.page.locator("header button").last.click()  # which has no name
    await expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    narrow = await watched(browser, NARROW, "dark")
    await narrow.page.goto(f"{interface.url}/?tab=compare")
    await widths(narrow)
    nothing_else_changes(interface)
    await viewer.page.get_by_role("button", name="Stop").click()
    soon(lambda: interface.rows("stopped"))
    assert viewer.errors == narrow.errors == []
    assert all(url.startswith(interface.url) for url in viewer.requests + narrow.requests)
    await asyncio.gather(viewer.close(), narrow.close())
