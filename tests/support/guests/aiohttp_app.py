"""A plain aiohttp app.

python -m aiohttp.web tests.support.guests.aiohttp_app:app
"""

import asyncio

from aiohttp import web

WAIT_S = 0.1


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def wait(_: web.Request) -> web.Response:
    await asyncio.sleep(WAIT_S)
    return web.json_response({"waited": "as a coroutine"})


def app(_: list[str]) -> web.Application:
    """Make the app; aiohttp passes the rest of its command line."""
    application = web.Application()
    application.add_routes([web.get("/health", health), web.get("/wait", wait)])
    return application
