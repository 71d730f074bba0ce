"""A real browser for the pages that people look at: Debian's Chromium, driven by Playwright.

Tests use Playwright's asynchronous half: its synchronous one keeps an event loop running in the
thread of all other tests. The browser is started once a process, on the event loop that all tests
marked `ON_ITS_LOOP` share.
"""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

WIDE, NARROW = 1280, 400  # pixels: a desk, and a phone
Scheme = Literal["light", "dark"]
REBOUND = "evil.example"  # a name that its owner lets lead to this machine
ON_ITS_LOOP = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class Watched:
    """A page, what it asked the network for, and what went wrong on it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def close(self) -> None:
        """Close the page, and forget its cookies and what it stored."""
        await self.page.context.close()

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(await self.page.evaluate(wide))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start the browser, or skip the test that asks for it and say what is missing."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no browser is installed; on Debian: apt-get install chromium")
    async with async_playwright() as driver:
        words = ["--no-sandbox", f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]
        chromium = await driver.chromium.launch(executable_path=path, args=words)
        try:
            yield chromium
        finally:
            await chromium.close()


async def watched(browser: Browser, width: int = WIDE, scheme: Scheme = "light") -> Watched:
    """Open an empty page of this width, and write down what it asks for and complains about."""
    size = {"width": width, "height": 900}
    page = await browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    view = Watched(page)
    page.on("request", lambda request: view.requests.append(request.url))
    page.on("pageerror", lambda error: view.errors.append(str(error)))
    page.on(
        "console",
        lambda message: view.errors.append(message.text) if message.type == "error" else None,
    )
    return view


PAPER = "getComputedStyle(document.body).backgroundColor"
PAPERS: dict[Scheme, str] = {"light": "rgb(253, 253, 254)", "dark": "rgb(13, 17, 23)"}
SMALLEST = """Math.min(...Array.from(document.querySelectorAll(".chart text"), (text) =>
    parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""


async def check_offline(browser: Browser, file: Path, pictures: int, legible: float = 0) -> None:
    """Check that a report opens offline, fits desk and phone, and follows the colour scheme.

    Texts in its charts have at least so many pixels, as displayed.
    """
    for (scheme, paper), width in product(PAPERS.items(), (WIDE, NARROW)):
        tab = await watched(browser, width, scheme)
        await tab.page.context.set_offline(True)
        await tab.page.goto(file.as_uri())
        await tab.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = 1)")
        assert await tab.overflow() == 0
        assert await tab.page.evaluate(SMALLEST) >= legible
        assert await tab.page.evaluate(PAPER) == paper
        await tab.page.get_by_role("button", name="Light / dark").click()
        assert await tab.page.evaluate(PAPER) != paper
        assert await tab.page.get_by_role("img").count() == pictures
        assert [tab.errors, set(tab.requests)] == [[], {file.as_uri()}]
        await check_policy(tab)
        await tab.close()


INJECTED = """() => {
  const button = document.createElement("button");
  button.setAttribute("onclick", "window.ran = 'attribute'");
  const script = document.createElement("script");
  script.textContent = "window.ran = 'script'";
  document.body.append(button, script);
  button.click();
  return window.ran ?? "nothing";
}"""


async def check_policy(tab: Watched) -> None:
    """Check that a page, which complained about nothing, would not run what is smuggled into it."""
    assert tab.errors == []
    assert await tab.page.evaluate(INJECTED) == "nothing"
