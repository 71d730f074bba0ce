"""A Starlette app, which runs a `def` in a thread, as FastAPI does.

hypercorn tests.support.guests.starlette_app:app
"""

import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

WAIT_S = 0.1


async def health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def wait(_: Request) -> JSONResponse:
    time.sleep(WAIT_S)
    return JSONResponse({"waited": "in a thread"})


app = Starlette(routes=[Route("/health", health), Route("/wait", wait)])
