"""Texts in files for spreadsheets: these take what begins like a formula for one, and run it."""

from __future__ import annotations

import csv
import re
from io import StringIO

FORMULA = re.compile(r"\s*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?", re.IGNORECASE)


def without_formulas(table: str) -> str:
    """Write an apostrophe before each such field of a CSV file, which spreadsheets do not show."""
    written = StringIO()
    writer = csv.writer(written)
    for row in csv.reader(StringIO(table, newline="")):
        writer.writerow(map(_as_text, row))
    return written.getvalue()


def _as_text(field: str) -> str:
    return f"'{field}" if FORMULA.match(field) and not NUMBER.fullmatch(field) else field
