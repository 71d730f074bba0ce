"""Names, descriptions, results and failures stay texts on the live page, whatever is in them."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import ON_ITS_LOOP, watched
from tests.support.hostile_workloads import MARKUP
from tests.support.server_process import PATIENCE_S, Running, running

MS = 1000 * PATIENCE_S
RAN = "window.ran ?? [...document.images].map((image) => image.outerHTML).join()"

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    own = ("--workloads", "tests.support.hostile_workloads")
    with running("--models", "inline,thread-pool", *own, module="server") as started:
        yield started


@ON_ITS_LOOP
async def test_markup_is_shown_and_not_run(server: Running, browser: Browser) -> None:
    tab = await watched(browser)
    page = tab.page
    await page.goto(server.url)
    for cell, status in (("markup/inline", "200"), ("fails/thread-pool", "500")):
        await page.click(f"button[data-cell='{cell}']")
        row = page.locator(f"#rows li[data-cell='{cell}']")
        await expect(row).to_have_attribute("data-status", status, timeout=MS)
    await expect(row).to_contain_text(MARKUP)
    await expect(page.locator("#doc")).to_contain_text(MARKUP)
    assert await page.evaluate(RAN) == ""
    assert not [error for error in tab.errors if re.search("Content.Security.Policy", error)]
    assert await tab.overflow() == 0
    await tab.close()
