"""One connection: what aiohttp by itself would answer in its own way, or not at all.

What cannot be read as a request gets the same JSON as every other error. A client that has sent
its last byte may still wait for its answer, or be gone. Both look the same until something is sent
to it: only the kernel of a client that is gone refuses to take it. HTTP allows `100 Continue` at
any time before an answer, and every client skips it.

    end of input ──▶ nothing to answer: close
                └──▶ send 100 Continue, now and again ──▶ refused: the client has hung up
"""

from __future__ import annotations

import asyncio
import socket
from typing import Self

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader

from server.errors import BadRequest, ExpectationFailed, ServerError, log

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
FIRST_S, LONGEST_S = 0.01, 1.0  # between two of them; each pause is twice as long as the last
OLD_S = 0.1  # a client of HTTP/1.0, which does not know them, waits no longer than such pauses
HINT = "Send a request of HTTP/1.1, such as: curl http://127.0.0.1:8080/"


class Connection(web.RequestHandler):
    __slots__ = ()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio allows
        """Keep the connection open while there is something to answer."""
        if self._is_idle():
            return False
        self._loop.call_soon(self._look, FIRST_S)
        return True

    def _is_idle(self) -> bool:
        return self._waiter is not None and not self._messages

    def _look(self, pause: float) -> None:
        """Close the connection when all is answered, or the client is gone."""
        transport = self.transport
        if transport is None:
            return
        if self._is_idle():
            self.force_close()
            return
        request = self._current_request
        gone = False
        if request is not None:
            if request.writer.output_size:
                gone = True  # it no longer wants the stream, which has no end
            elif request.version >= HttpVersion11:
                transport.write(CONTINUE)
            else:
                gone = pause > OLD_S
        if gone or _is_gone(transport):
            transport.abort()
            return
        self._loop.call_later(pause, self._look, min(2 * pause, LONGEST_S))

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not a request, or what failed outside the handlers."""
        if request.writer.output_size:
            raise ConnectionError("a part of the answer is sent already")
        if status == BadRequest.status:
            what = (message or "").strip().partition("\n")[0].rstrip(":")
            error: ServerError = BadRequest(f"this request cannot be read: {what}", HINT)
        else:
            log.error("unexpected error in a request", exc_info=exc)
            error = ServerError("the server failed; see its log")
        request._version = HttpVersion11  # noqa: SLF001 - aiohttp's stand-in is of HTTP/1.0
        response = error.response()
        response.force_close()
        return response


def _is_gone(transport: asyncio.Transport) -> bool:
    bound = transport.get_extra_info("socket")
    return bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


class Connections(web.Server):
    """Makes the connections of an application, and their requests."""

    @classmethod
    def like(cls, server: web.Server) -> Self:
        """Take the place of aiohttp's own."""
        return cls(
            server.request_handler,
            request_factory=_request,
            handler_cancellation=server.handler_cancellation,
            loop=server._loop,  # noqa: SLF001 - it has no other way out
            **server._kwargs,  # noqa: SLF001 - likewise
        )

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.Request:
    """Make a request as aiohttp's application does."""
    if message.upgrade or message.method == "OPTIONS":
        message = _mended(message)
    return web.Request(message, payload, protocol, writer, task, protocol._loop)  # noqa: SLF001


def _mended(message: RawRequestMessage) -> RawRequestMessage:
    """Give a request a path, which those of a whole server lack, and refuse to change protocols.

    aiohttp's parser drops what follows a refused change of protocols in the same packet, so the
    client must learn from the end of the connection that it is not answered.
    """
    whole = message.method == "CONNECT" or message.path == "*"
    url = message.url.with_path("/") if whole else message.url
    return message._replace(url=url, should_close=message.should_close or message.upgrade)


async def expect(request: web.Request) -> web.StreamResponse | None:
    """Promise nothing: no request needs its body, so clients may keep it."""
    expected = request.headers["Expect"]
    if expected.lower() == "100-continue":
        return None
    return ExpectationFailed(
        f"this server cannot meet the expectation {expected!r}", "Leave out the header Expect."
    ).response()
