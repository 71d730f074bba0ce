"""The browser that other tests look through sees what is wrong with a page."""

from tests.support.browser import NARROW, chromium, watched


async def test_it_sees_errors_requests_and_overflow() -> None:
    async with chromium() as browser:
        view = await watched(browser, NARROW)
        await view.page.set_content("<p style='width: 500px'>wide</p><script>lost()</script>")
        assert view.errors == ["lost is not defined"]
        assert view.requests == []
        assert await view.overflow() > 100
