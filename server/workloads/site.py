"""The small web site that `fetch` and `scrape` read, in a separate process.

It inherits a listening socket, and exits when its standard input ends: however its parent process
ends, the site ends with it.
"""

import asyncio
import os
import random
import socket
import sys
import threading

import uvloop
from aiohttp import web

PAGES = 8
PARAGRAPHS = 90  # a page of about 50 KiB: parsing two of them takes about 10 ms
PROSE = (
    "load bearing beam column truss arch span joint rivet anchor cable pillar girder deck footing "
    "strain stress shear moment torsion sag drift yield buckle settle brace the of and a to in on "
    "under between with across against every some no first second third last long short steel"
)


def render(number: int) -> bytes:
    """Render one page; the same number always gives the same bytes."""
    rng = random.Random(number)  # noqa: S311 - prose, not secrets
    paragraphs = "\n".join(_paragraph(rng) for _ in range(PARAGRAPHS))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Page {number}'
        f"</title></head>\n<body>\n<h1>Page {number}</h1>\n{paragraphs}\n</body>\n</html>\n"
    ).encode()


def _paragraph(rng: random.Random) -> str:
    words = rng.choices(PROSE.split(), k=60)
    for place in (10, 30, 50):
        target = f"/article/{rng.randrange(500)}?from=list&amp;rank={place}"
        words[place] = f'<a class="reference" href="{target}">{words[place]}</a>'
    words[20] = f"<em>{words[20]}</em>"
    return f'<p class="body">{" ".join(words)}.</p>'


def build() -> web.Application:
    pages = [render(number) for number in range(PAGES)]

    async def page(request: web.Request) -> web.Response:
        delay = request.query.get("delay", "0")
        if not (delay.isascii() and delay.isdecimal() and len(delay) <= 5):
            return web.Response(status=400, text="delay: whole milliseconds, below 100000\n")
        await asyncio.sleep(int(delay) / 1000)
        body = pages[int(request.match_info["number"]) % PAGES]
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    app = web.Application()
    app.router.add_get(r"/page/{number:\d{1,6}}", page)
    return app


async def serve(bound: socket.socket) -> None:
    """Serve on a socket until standard input ends."""
    # Readers keep their connections, and closing an idle one would count as their error.
    runner = web.AppRunner(build(), access_log=None, keepalive_timeout=3600, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, bound, backlog=2048).start()
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(socket.socket(fileno=int(sys.argv[1]))))
