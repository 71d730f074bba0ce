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
    """Return a page with the content of each of its blocks. Raises ValueError for an open one."""
    found, count = _BLOCK.subn(lambda one: f"{one[1]}\n{content(one['name'])}\n\n{one[4]}", page)
    if count != page.count(_BEGIN):
        raise ValueError("a generated block has no end: <!-- end --> stands on a line of its own")
    return found


def names(page: str) -> list[str]:
    """Name the blocks of a page."""
    return [one["name"] for one in _BLOCK.finditer(page)]
