"""The process that draws charts: it is started by its path, and imports none of our modules."""

import json
import os
import sys

FIRST = b'{"mark": "point", "data": {"values": []}}'  # loads everything that the others need


def _draw(line: bytes) -> dict[str, str]:
    try:
        import vl_convert  # noqa: PLC0415 - its errors are replies, too

        return {"svg": vl_convert.vegalite_to_svg(json.loads(line))}
    except Exception as error:  # noqa: BLE001 - the other side reports it
        return {"error": " ".join(f"{error or type(error).__name__}".split())}


def _serve() -> None:
    """Draw each line of standard input until it ends."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # anything else that is printed
    _draw(FIRST)
    for line in sys.stdin.buffer:
        replies.write(json.dumps(_draw(line)).encode() + b"\n")


if __name__ == "__main__":
    _serve()
