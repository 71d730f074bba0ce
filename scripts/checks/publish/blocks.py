"""Generated blocks of a page: from `<!-- generated: NAME -->` to `<!-- end -->`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = re.compile(
    r"(<!-- generated: (?P<name>[^>]*?) -->\n)(?P<old>.*?)(<!-- end -->\n)", re.DOTALL
)
_BEGIN = "<!-- generated: "


def filled(page: str, content: Callable[[str], str]) -> str:
    """Return a page with new content in each block. Raises ValueError for an open block."""

    def replacement(match: re.Match[str]) -> str:
        return f"{match[1]}\n{content(match['name'])}\n\n{match[4]}"

    text, count = _BLOCK.subn(replacement, page)
    if count != page.count(_BEGIN):
        raise ValueError("a generated block has no end: put <!-- end --> on a line of its own")
    return text


def names(page: str) -> list[str]:
    """List the names of the blocks of a page."""
    return [match["name"] for match in _BLOCK.finditer(page)]
