"""The Locust UI as a new user meets it, in a real browser: the form, and our tabs."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from tests.support.browser import NARROW, ON_ITS_LOOP, Watched, watched
from tests.support.cli import soon
from tests.support.locust_ui import Interface, up
from tests.support.server_process import PATIENCE_S

USERS = "20"
TABS = ("Load", "Compare", "Server")


@pytest.fixture
def interface(database: None, tmp_path: Path) -> Iterator[Interface]:
    with up(tmp_path) as (_, ui):
        yield ui


async def opened(page: Page, title: str) -> FrameLocator:
    """Open one of our tabs."""
    await page.get_by_role("tab", name=title, exact=True).click()
    return page.frame_locator(f"iframe[title={title}]")


async def started(page: Page) -> None:
    """Fill in the form, wrongly at first."""
    await page.select_option("[name=workloads]", "primes")
    await page.select_option("[name=models]", ["thread-pool", "process-pool"])
    await page.fill("[name=param]", "primes.below=2000")
    await page.fill("[name=userCount]", USERS)
    await page.fill("[name=slo]", "fast")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text("invalid SLO 'fast'")
    await page.fill("[name=slo]", "p99<500ms")
    await page.get_by_role("button", name="Start").click()


async def look_at_all(page: Page) -> None:
    """See that each tab fills, and goes on."""
    for model in ("thread-pool", "process-pool"):
        await expect(page.get_by_role("cell", name=f"primes/{model}")).to_be_visible()
    server = await opened(page, "Server")
    await expect(server.locator("#processes tbody tr").nth(2)).to_be_visible()
    lasts = server.locator("#loop b").last
    before = await lasts.inner_text()
    await expect(lasts).not_to_have_text(before)
    compare = await opened(page, "Compare")
    for model in ("thread-pool", "process-pool"):
        row = compare.locator("#cells tbody tr", has_text=model)
        await expect(row.locator("td").nth(2)).to_contain_text("%")
        await expect(row.locator("td").nth(1)).not_to_have_text("0.0")
    await expect(compare.locator("#cells tbody tr", has_text="bystander")).to_be_visible()
    load = await opened(page, "Load")
    await expect(load.locator("#seconds td.number", has_text=USERS).first).to_be_visible()
    await expect(load.locator("#rates path.offered")).to_have_attribute("d", re.compile("L"))


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
    await viewer.page.get_by_role("button", name="Stop").click()
    soon(lambda: interface.rows("stopped"))
    assert viewer.errors == narrow.errors == []
    assert all(url.startswith(interface.url) for url in viewer.requests + narrow.requests)
    await asyncio.gather(viewer.close(), narrow.close())
