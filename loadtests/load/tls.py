"""TLS between a connection and its socket: it turns bytes into bytes, and never waits."""

from __future__ import annotations

import ssl
from functools import cache

PIECE = 65536  # bytes to decrypt at a time


class Tls:
    """The client's side of one TLS connection, over buffers in memory.

    The handshake begins with the first request, which follows once it is over. Raises
    ssl.SSLError if it fails, with the reason why a certificate is not trusted.
    """

    def __init__(self, host: str, *, insecure: bool) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = _context(insecure).wrap_bio(
            self._incoming, self._outgoing, server_hostname=host
        )
        self._shaken = False
        self._waiting = b""

    def seal(self, request: bytes) -> bytes:
        """Encrypt a request; returns what is to be sent now."""
        self._waiting = request
        self._go_on()
        return self._outgoing.read()

    def open(self, received: bytes) -> bytes | None:
        """Decrypt what came; None if nothing is complete yet, no bytes at the end of the stream."""
        if received:
            self._incoming.write(received)
        else:
            self._incoming.write_eof()
        pieces = []
        try:
            self._go_on()
            while self._shaken and (piece := self._object.read(PIECE)):
                pieces.append(piece)
            ended = self._shaken
        except ssl.SSLWantReadError:
            ended = False
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError):
            ended = True
        return b"".join(pieces) or (b"" if ended or not received else None)

    def answered(self) -> bytes:
        """Return what the protocol itself has to send after `open`."""
        return self._outgoing.read()

    def _go_on(self) -> None:
        """Take the next step of the handshake, and send the request after its last."""
        if not self._shaken:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                return
            self._shaken = True
        if self._waiting:
            self._object.write(self._waiting)
            self._waiting = b""


@cache
def _context(insecure: bool) -> ssl.SSLContext:
    """Trust what OpenSSL trusts, SSL_CERT_FILE included; with `insecure`, anything."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def reason(error: ssl.SSLError, host: str) -> str:
    """Say why a connection could not be secured, and what would help."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} is not trusted: {error.verify_message}; name the file of "
            "its authority in SSL_CERT_FILE, or accept any certificate (--insecure)"
        )
    return f"no TLS with {host}: {(error.reason or str(error)).replace('_', ' ').lower()}"
