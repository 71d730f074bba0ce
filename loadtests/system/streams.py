"""The standard streams of a command: open, able to write every character, and never failing.

Results are in files: a reader that is gone, or a terminal that cannot show "≥", must not cost them.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Any

from loadtests.system.program import PROGRAM

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

UNREAD = {errno.EPIPE, errno.EIO}  # the reader is gone; the terminal is gone
PLAIN = dict(zip("≥≈–—•★×÷·…", (">=", "~", "-", "-", "-", "*", "x", "/", ".", "..."), strict=True))
PLAIN |= dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))  # footnotes
PLAIN |= {"✓": "+", "✗": "x", "\N{MINUS SIGN}": "-"}  # "?" means that it cannot be told
STREAMS = {1: "stdout", 2: "stderr"}


class Outlet(io.FileIO):
    """A descriptor to write to: what cannot be written is dropped, and the reason recorded."""

    failed: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failed = error
            return memoryview(data).nbytes


def open_streams() -> None:
    """Open closed streams on /dev/null, and make writing never raise."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= max(STREAMS):
        os.set_inheritable(opened, True)  # for the programs that we start
    os.close(opened)
    sys.stdin = sys.stdin or open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 - a descriptor
    for number, name in STREAMS.items():
        setattr(sys, name, _open(number, getattr(sys, name)))


def close_streams() -> str:
    """Flush all; returns why standard output did not take everything, if that is an error."""
    stdout: Any = sys.stdout
    for stream in (stdout, sys.stderr):
        stream.flush()
    failed = stdout.buffer.raw.failed
    if failed is None or failed.errno in UNREAD:
        return ""
    return f"standard output: {failed.strerror or failed}"


def put_out(document: str) -> None:
    """Write a document to standard output, as UTF-8 whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(encoded(document))
    sys.stdout.flush()


def encoded(text: str) -> bytes:
    """Encode as UTF-8 a text that may contain undecodable bytes of arguments."""
    return text.encode(errors="plainly")


def tell(message: object) -> None:
    """Write a message to standard error."""
    print(f"{PROGRAM}: {message}", file=sys.stderr, flush=True)  # noqa: T201 - its purpose


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace characters that a stream cannot encode; bytes of arguments stay as they were."""
    assert isinstance(error, UnicodeEncodeError)
    letter = error.object[error.start]
    if 0xDC80 <= ord(letter) <= 0xDCFF:
        return bytes([ord(letter) - 0xDC00]), error.start + 1
    return PLAIN.get(letter, "?"), error.start + 1


codecs.register_error("plainly", _plainly)


def _open(number: int, stream: Any) -> io.TextIOWrapper:
    raw = Outlet(number, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding if stream else "utf-8",
        errors="plainly",
        line_buffering=raw.isatty() or number != 1,
        write_through=bool(stream and stream.write_through),
    )
