"""The process that draws charts: it is run by its path, and imports none of our modules."""

import json
import os
import sys

FIRST = b'{"mark": "point", "data": {"values": []}}'  # loads all that the others need


def _draw(line: bytes) -> dict[str, str]:
    try:
        import vl_convert  # noqa: PLC0415 - its errors are answers, too

        return {"svg": vl_convert.vegalite_to_svg(json.loads(line))}
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side tells
        return {"error": " ".join(f"{error or type(error).__name__}".split())}


def _serve() -> None:
    """Draw what comes in until nothing more does."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever else is printed here
    _draw(FIRST)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(_draw(line)).encode() + b"\n")


if __name__ == "__main__":
    _serve()
