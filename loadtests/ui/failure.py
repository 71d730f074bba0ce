"""Why a request failed, in words for Locust's table of failures.

The table has a row for each text, so numbers that differ from request to request are left out.
"""

from __future__ import annotations

import re

from loadtests.load.open_loop import Request

UNDER_WAY = re.compile(r"\b\d+ (requests|of them)\b")
NOT_IN_TIME = re.compile(r": .* workers answer within ([\d.]+ ms).*")


def why(answer: Request) -> str:
    """Say why a request failed: the status, and what the service said."""
    text = (answer.error or answer.outcome).removeprefix("HTTP ")
    text = NOT_IN_TIME.sub(r": would not have been answered in \1", text)
    return UNDER_WAY.sub(r"many \1", text)
