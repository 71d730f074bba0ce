"""Texts from elsewhere, such as a service or someone's run file: they must stay texts.

On a terminal, control characters would move the cursor or hide lines, and marks that change the
direction of writing would make a text look like another. They are shown as their codes instead.
"""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST = 1000  # characters of what a service says: enough for a sentence, and for its reader
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)
# Bytes of JSON that may be such a character, as it is or escaped; a miss is cheap.
_SUSPECT = re.compile(
    rb"[\x7f-\xff]|\\[bfr]|\\u(?:00[01789]|061|20[0-6]|d[89a-f]|feff)", re.IGNORECASE
)


def read_json(content: bytes) -> Any:
    """Parse JSON, with nothing in its texts that acts."""
    value = json.loads(content)
    return harmless(value) if _SUSPECT.search(content) else value


def harmless(value: Any) -> Any:
    """Show what acts as its code, in a text or in all texts of a JSON value."""
    match value:
        case str():
            return _ACTING.sub(_code, value)
        case list():
            return [harmless(item) for item in value]
        case dict():
            return {_ACTING.sub(_code, name): harmless(item) for name, item in value.items()}
    return value


def line(text: object) -> str:
    """Make one line of what a service said, and cut it where nobody reads on."""
    words = " ".join(str(text).split())
    short = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
    return _ACTING.sub(_code, short)


def _code(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
