"""The live page in a real browser: its heart stops with the event loop, and only with it."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from loadtests.wording import STAGE_NAMES
from tests.support.browser import NARROW, ON_ITS_LOOP, WIDE, Scheme, Watched, watched
from tests.support.server_process import PATIENCE_S, Running, running

MODELS = "inline,async,thread-pool,process-pool"
MS = 1000 * PATIENCE_S
STOPPED_MS = 350  # as in beats.js
# Records what the heart shows, because it may change as soon as the event loop answers again.
WATCH = """() => {
  const [heart, text] = ["heart", "pulse-text"].map((id) => document.getElementById(id));
  window.shown = [];
  const look = () => window.shown.push([heart.dataset.state, text.textContent]);
  const all = { attributes: true, characterData: true, childList: true, subtree: true };
  for (const node of [heart, text]) new MutationObserver(look).observe(node, all);
}"""
PAPER = {"light": "rgb(246, 247, 245)", "dark": "rgb(16, 20, 18)"}

pytestmark = [pytest.mark.usefixtures("database"), ON_ITS_LOOP]


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[Running]:
    with running(
        "--models", MODELS, "--deadline", "60s", "--processes", "1", module="server"
    ) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def opened(server: Running, browser: Browser) -> AsyncIterator[Watched]:
    tab = await watched(browser)
    await open_page(tab, server.url)
    yield tab
    await tab.close()


async def open_page(tab: Watched, url: str) -> None:
    await tab.page.goto(url)
    await alive(tab.page)


async def alive(page: Page) -> None:
    """Wait until the heart beats and everything is drawn, which takes answers of the server."""
    await expect(page.locator("#heart")).to_have_attribute("data-state", "alive", timeout=MS)
    await expect(page.locator("#tables table")).to_have_count(3, timeout=MS)
    await expect(page.locator("#fields input")).not_to_have_count(0, timeout=MS)


async def answered(page: Page, cell: str) -> Locator:
    """Wait until the newest answer is of this cell, and its heartbeat is known."""
    row = page.locator("#rows li").first
    await expect(row).to_have_attribute("data-cell", cell, timeout=MS)
    await expect(row).to_have_attribute("data-silence", re.compile(r"\d+"), timeout=MS)
    return row


async def figure(row: Locator, name: str) -> float:
    return float(await row.get_attribute(f"data-{name}") or "nan")


async def test_the_heartbeat_stops_under_inline_and_goes_on_under_process_pool(
    opened: Watched,
) -> None:
    page = opened.page
    await page.click("[data-trial='count/process-pool']")
    row = await answered(page, "count/process-pool")
    ran = await figure(row, "ran")
    assert ran > STOPPED_MS  # long enough to be seen
    assert await figure(row, "silence") < ran / 2
    await expect(page.locator("#why")).to_contain_text("count ran for")
    await page.evaluate(WATCH)
    await page.click("[data-trial='count/inline']")
    row = await answered(page, "count/inline")
    texts = [text for state, text in await page.evaluate("shown") if state == "stopped"]
    assert any(re.fullmatch(r"the event loop has not answered for \d+ ms", text) for text in texts)
    assert await figure(row, "silence") >= await figure(row, "ran") > STOPPED_MS
    await expect(row).to_contain_text("silent for")
    await expect(page.locator("#why")).to_contain_text("was silent for")
    await expect(page.locator("#heart")).to_have_attribute("data-state", "alive", timeout=MS)
    assert opened.errors == []


async def test_the_curl_line_is_what_the_answer_came_from(opened: Watched, server: Running) -> None:
    page = opened.page
    await page.click("button[data-cell='primes/thread-pool']")
    await answered(page, "primes/thread-pool")
    await page.fill("#field-below", "1000")
    line = await page.inner_text("#curl")
    assert line == f"curl '{server.url}/primes/thread-pool?below=1000'"
    await page.press("#field-below", "Enter")
    row = page.locator("#rows li[data-url$='below=1000']")
    await expect(row).to_have_count(1, timeout=MS)
    assert f"curl '{await row.get_attribute('data-url')}'" == line
    await expect(page.locator("button[data-cell='primes/thread-pool']")).to_have_text(
        re.compile(r"^[\d.]+ m?s$")
    )
    many = await page.text_content("#storm")
    assert many == line.replace("curl ", "curl -Z --parallel-immediate ")[:-1] + "#[1-20]'"
    assert opened.errors == []


async def test_a_cell_that_cannot_run_says_why_also_to_the_keyboard(opened: Watched) -> None:
    page = opened.page
    await page.focus("button[data-cell='primes/inline']")
    await page.keyboard.press("ArrowRight")
    focused = page.locator("button:focus")
    await expect(focused).to_have_attribute("data-cell", "primes/async")
    await expect(focused).to_have_attribute("aria-disabled", "true")
    label = await focused.get_attribute("aria-label") or ""
    assert label.startswith("primes under async: cannot run: ")
    assert "no async version" in label
    await expect(page.locator("#reason")).to_contain_text("no async version")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Enter")
    await answered(page, "montecarlo/inline")
    assert await page.locator("#rows li").count() == 1
    assert await page.locator("#grid button[tabindex='0']").count() == 1


async def test_waits_in_the_browser_and_errors_are_shown(opened: Watched) -> None:
    page = opened.page
    await page.click("button[data-cell='sleep/thread-pool']")
    await answered(page, "sleep/thread-pool")
    await page.click("#crowd")
    await expect(page.locator("#rows li")).to_have_count(21, timeout=MS)
    assert await page.locator("#rows li").first.locator(".browser").bounding_box()
    assert await page.locator("#legend span").all_inner_texts() == [*STAGE_NAMES.values()]
    await page.fill("#field-ms", "-1")
    await page.click("#run")
    row = page.locator("#rows li").first
    await expect(row).to_have_attribute("data-status", "422", timeout=MS)
    await expect(row).to_contain_text("greater than or equal to 0")
    await expect(row).to_contain_text("ms takes an integer from 0 to 5000")


async def test_it_fits_and_loads_nothing_from_elsewhere(server: Running, browser: Browser) -> None:
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for width, scheme in zip((WIDE, NARROW), schemes, strict=True):
        tab = await watched(browser, width, scheme)
        await open_page(tab, server.url)
        await tab.page.click("button[data-cell='scrape/process-pool']")
        await answered(tab.page, "scrape/process-pool")
        assert await tab.overflow() == 0
        assert tab.errors == []
        assert all(url.startswith(f"{server.url}/") for url in tab.requests)
        paper = await tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == PAPER[scheme]
        await tab.close()


async def test_it_reconnects_to_a_restarted_server(browser: Browser) -> None:
    tab = await watched(browser)
    with running("--models", "inline,async", module="server") as first:
        await open_page(tab, first.url)
        port = first.url.rpartition(":")[2]
    await expect(tab.page.locator("#heart")).to_have_attribute("data-state", "lost", timeout=MS)
    cell = tab.page.locator("button[data-cell='noop/thread-pool']")
    await expect(cell).to_have_attribute("aria-disabled", "true")
    with running("--models", "inline,thread-pool", "--port", port, module="server"):
        await alive(tab.page)
        await expect(cell).not_to_have_attribute("aria-disabled", "true", timeout=MS)
        await cell.click()
        await answered(tab.page, "noop/thread-pool")
    await tab.close()
