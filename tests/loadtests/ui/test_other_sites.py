"""A real browser shows a page of another site, which does all that it can to start something."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.browser import ON_ITS_LOOP, REBOUND
from tests.support.cli import Begun
from tests.support.locust_ui import CELL, Interface, up
from tests.support.prometheus_client import parsed
from tests.support.server_process import PATIENCE_S, until

SURVIVAL = {**CELL, "scenario": "survival"}
ATTACK = """
async ([ui, server, variants]) => {
  const tried = [];
  const attempt = async (what, doing) => {
    tried.push([what, await doing().then((answer) => answer.type, () => "failed")]);
  };
  for (const fields of variants)
    for (const mode of ["cors", "no-cors"])
      await attempt(mode, () =>
        fetch(`${ui}/swarm`, { method: "POST", mode, body: new URLSearchParams(fields) }));
  await attempt("stop", () => fetch(`${ui}/stop`, { method: "POST", mode: "no-cors" }));
  await attempt("read", () => fetch(`${ui}/stats/requests`));
  await attempt("read", () => fetch(`${server}/stats`));
  for (const path of ["count/inline", "count/hybrid", "events"])
    await new Promise((done) => {
      const image = new Image();
      image.onload = image.onerror = done;
      image.src = `${server}/${path}`;
    });
  return tried;
}
"""
SUBMIT = """
([action, fields]) => {
  const form = document.querySelector("form");
  form.action = action;
  for (const [name, value] of Object.entries(fields))
    form.append(Object.assign(document.createElement("input"), { name, value }));
  form.submit();
}
"""

pytestmark = [pytest.mark.usefixtures("database"), ON_ITS_LOOP]


@dataclass(frozen=True)
class Scene:
    """The UI and its server, files that somebody had a person download, and an evil site."""

    command: Begun
    ui: Interface
    folder: Path
    site: str

    @property
    def server(self) -> str:
        return self.command.out().split()[1]

    @property
    def variants(self) -> list[dict[str, str]]:
        """The forms that start a program, import a file, and write to a folder."""
        program, module = str(self.folder / "program"), str(self.folder / "module.py")
        python = {"label": "", "executable": program, "name": ""}
        servers = {"axes": {}, "directory": str(self.folder), "pythons": [python]}
        return [
            {**SURVIVAL, "servers": json.dumps({**servers, "modules": []})},
            {**SURVIVAL, "servers": json.dumps({**servers, "modules": [module]})},
            {**SURVIVAL, "output": str(self.folder / "anywhere")},
        ]


class Evil(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def scene(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Set it up, and look at the end whether anything was started or written."""
    folder = tmp_path_factory.mktemp("scene")
    downloads, site = folder / "downloads", folder / "site"
    for path in (downloads, site, folder / "up"):
        path.mkdir()
    proof = downloads / "proof"
    (downloads / "program").write_text(f"#!/bin/sh\necho started >> '{proof}'\n")
    (downloads / "program").chmod(0o700)
    (downloads / "module.py").write_text(f"open({str(proof)!r}, 'a').write('imported')\n")
    (site / "index.html").write_text("<form method=post></form><iframe></iframe>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Evil, directory=site)) as evil:
        Thread(target=evil.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            with up(folder / "up") as (command, ui):
                before = {process.pid for process in command.below()}
                yield Scene(command, ui, downloads, f"http://localhost:{evil.server_port}")
                assert ui.rows("ready") is not None
                assert {process.pid for process in command.below()} == before
                assert sorted(file.name for file in downloads.iterdir()) == ["module.py", "program"]
                assert not (folder / "up" / "results").exists()
        finally:
            evil.shutdown()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    yield page
    await page.context.close()


async def test_a_page_of_another_site_starts_nothing(scene: Scene, page: Page) -> None:
    answers: dict[str, set[int]] = {}
    page.on(
        "response", lambda response: answers.setdefault(response.url, set()).add(response.status)
    )
    for host in ("localhost", "127.0.0.1"):  # another site, and another port of the same
        await page.goto(scene.site.replace("localhost", host))
        await attack(scene, page)
    for path in ("/swarm", "/stop"):
        assert answers[f"{scene.ui.url}{path}"] == {403}
    counted: dict[frozenset[tuple[str, str]], float] = {}

    async def all_counted() -> bool:
        text = Interface(scene.server).ask("/metrics").body
        counted.update(parsed(text).all("loadbearing_requests_total", workload="count"))
        return sum(counted.values()) >= 4

    await until(all_counted)
    assert {dict(labels)["status"] for labels in counted} == {"403"}


async def attack(scene: Scene, page: Page) -> None:
    targets: list[Any] = [scene.ui.url, scene.server, scene.variants]
    tried = await page.evaluate(ATTACK, targets)
    assert len(tried) == 9
    assert all(came in {"failed", "opaque"} for _, came in tried)  # nothing that can be read
    async with page.expect_event("requestfailed") as failed:  # where a click could be stolen
        await page.evaluate("url => document.querySelector('iframe').src = url", scene.ui.url)
    framed = await failed.value
    assert (framed.url, framed.failure) == (f"{scene.ui.url}/", "net::ERR_BLOCKED_BY_RESPONSE")


async def test_a_form_of_another_site_is_told_why(scene: Scene, page: Page) -> None:
    for fields in scene.variants:
        await page.goto(scene.site)
        async with page.expect_navigation():
            await page.evaluate(SUBMIT, [f"{scene.ui.url}/swarm", fields])
        reply = json.loads(await page.inner_text("body"))
        assert reply["success"] is False
        reason = f"a page of '{scene.site}' may not use this UI, so nothing was done"
        assert reason in reply["message"]


async def test_a_name_that_was_made_to_lead_here_opens_nothing(scene: Scene, page: Page) -> None:
    for url in (scene.ui.url, scene.server):
        answer = await page.goto(url.replace("127.0.0.1", REBOUND))
        assert answer is not None
        assert answer.status == 403
        assert f"does not answer to the name '{REBOUND}:" in await page.inner_text("body")
        there = await page.evaluate(
            "fetch('/stop', { method: 'POST' }).then((answer) => answer.status)"
        )
        assert there == 403


async def test_a_link_of_another_site_may_lead_to_either_page(scene: Scene, page: Page) -> None:
    for url in (scene.ui.url, scene.server):
        await page.goto(scene.site)
        async with page.expect_navigation():
            await page.evaluate("url => location.assign(url)", url)
        assert page.url == f"{url}/"
        assert await page.title()
