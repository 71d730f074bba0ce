"""The Survival tab in a real browser: a run is started, watched and stopped, its files taken."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from tests.support.browser import ON_ITS_LOOP, check_policy, watched
from tests.support.cli import LONG_S, soon
from tests.support.locust_ui import Interface, up
from tests.support.resumed_run import BRIEFLY

LONG_MS = 1000 * LONG_S

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def ui(database: None, folder: Path) -> Iterator[Interface]:
    with up(folder, command=BRIEFLY[0]) as (_, interface):
        yield interface


@pytest.mark.parametrize("name", ["report.html", "run.jsonl", "summary.json", "summary.md"])
def test_a_result_that_is_not_there_is_said_in_words(ui: Interface, name: str) -> None:
    answer = ui.ask(f"/panel/results/{name}")
    assert answer.status == 404
    assert f"{name} does not exist yet" in answer.body
    assert "No survival run yet" in answer.body


def test_no_other_file_can_be_had(ui: Interface) -> None:
    for name in ("locust.log", "server.log", "..%2Fout", "later.html"):
        answer = ui.ask(f"/panel/results/{name}")
        assert answer.status == 404
        assert "does not exist yet" not in answer.body


@ON_ITS_LOOP
async def test_a_run_is_started_watched_and_stopped(
    ui: Interface, browser: Browser, folder: Path
) -> None:
    viewer = await watched(browser)
    page, tab = viewer.page, viewer.page.frame_locator('iframe[title="Survival"]')
    await page.goto(ui.url)
    await begin(page)
    cells = tab.locator("#matrix tbody button")
    await expect(cells).to_have_count(2, timeout=LONG_MS)
    await expect(tab.locator("#matrix button.measuring")).to_have_count(2, timeout=LONG_MS)
    await expect(tab.locator("#matrix button.offered")).to_have_count(1, timeout=LONG_MS)
    await expect(tab.locator("#trials tbody tr").first).to_be_visible(timeout=LONG_MS)
    await expect(tab.locator("#dots rect.estimate")).to_be_visible()
    await expect(tab.locator("#dots line:not(.axis, .grid, .slo, .offered)")).to_have_count(0)
    await moves_with_the_keyboard(tab)
    await page.get_by_role("button", name="Stop").click()
    await expect(tab.locator("#step")).to_contain_text("was stopped", timeout=LONG_MS)
    await expect(tab.locator("#verdicts li")).to_have_count(1)
    await expect(tab.locator("#again code")).to_contain_text("scripts/survive --retry")
    await files_are_there(page, folder)
    soon(lambda: ui.rows("stopped"))
    await page.reload()  # Locust's page misses the end of a stop that takes long
    await nothing_comes_of_another(page, tab, folder)
    assert ui.ask("/panel/results/summary.md").status == 200  # of the last one that has results
    await check_policy(viewer)
    assert await viewer.overflow() == 0
    await viewer.close()


async def nothing_comes_of_another(page: Page, tab: FrameLocator, folder: Path) -> None:
    """Start a run that cannot be: it has its reason, and leaves no folder."""
    before = sorted((folder / "results").iterdir())
    await begin(page, param="sleep.ms=soon")
    await expect(tab.locator("#reason")).to_contain_text("ms='soon'", timeout=LONG_MS)
    await expect(tab.locator("#matrix")).to_be_hidden()
    assert sorted((folder / "results").iterdir()) == before


async def begin(page: Page, param: str = "sleep.ms=10") -> None:
    """Fill in the form as a person does, and start."""
    new = page.get_by_role("button", name="New")
    form = page.locator("select[name=scenario]")
    ready = new.or_(page.get_by_role("button", name="Start")).first
    await expect(ready).to_be_visible(timeout=LONG_MS)
    if await new.is_visible():  # there was a test before
        await new.click()
    if not await form.is_visible():
        await page.get_by_role("button", name="Custom parameters").click()
    await page.select_option("select[name=scenario]", "survival")
    await page.select_option("select[name=workloads]", ["sleep"])
    await page.select_option("select[name=models]", ["async", "inline"])
    await page.fill("input[name=param]", param)
    await page.get_by_role("button", name="Start").click()


async def moves_with_the_keyboard(tab: FrameLocator) -> None:
    """Choose the cell below the first one without a mouse."""
    cells = tab.locator("#matrix tbody button")
    await cells.first.focus()
    await cells.first.press("ArrowDown")
    await expect(cells.last).to_be_focused()
    await cells.last.press("Enter")
    await expect(cells.last).to_have_attribute("aria-pressed", "true")
    label = await cells.last.get_attribute("aria-label")
    assert label
    assert label.startswith(f"{await tab.locator('#title').text_content()}")


async def files_are_there(page: Page, folder: Path) -> None:
    """Take the run file and the summary from Locust's tab of downloads."""
    [run] = [entry for entry in (folder / "results").iterdir() if entry.name != "latest"]
    assert (folder / "results" / "latest").resolve() == run
    await page.get_by_role("tab", name="Download data").click()
    for name in ("run.jsonl", "summary.json"):
        async with page.expect_download() as download:
            await page.locator(f'a[href$="results/{name}"]').click()
        taken = await download.value
        assert taken.suggested_filename == f"loadbearing-{run.name}-{name}"
        assert (await taken.path()).read_bytes() == (run / name).read_bytes()
    summary = json.loads((run / "summary.json").read_text())
    assert [cell["workload"] for cell in summary["cells"]] == ["sleep", "sleep"]
    lines = [json.loads(line) for line in (run / "run.jsonl").read_text().splitlines()]
    assert (lines[-1]["line"], lines[-1]["reason"]) == ("end", "the run was stopped")
