"""The browser that other tests look through sees what is wrong with a page."""

from tests.support.browser import NARROW, chromium, watched


async def test_it_sees_errors_requests_and_overflow() -> None:
    async with chromium() as browser:
        one = await watched(browser, NARROW)
        await one.page.set_content("<p style='width: 500px'>wide</p><script>lost()</script>")
        assert one.errors == ["lost is not defined"]
        assert one.requests == []
        assert await one.overflow() > 100
