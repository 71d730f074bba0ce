"""A comparison as JSON, for other programs; rates are per second."""

from typing import Any

from loadtests.report.compare.changes import changes
from loadtests.report.compare.comparison import CellRow, Comparison, Match
from loadtests.report.compare.sentences import cannot_tell, verdicts
from loadtests.report.compare.warnings import unlike, warnings
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import encode

SCHEMA = 2
FIELDS = (
    *("state", "held", "broke", "interval", "capacity", "demand_s", "cpu_share"),
    *("cause", "unavailable", "error"),
)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return plain data; infinite bounds are null, as are cells that a run did not include.

    The `speed` of a later run is the factor by which CPU work was dearer, with its interval.
    """
    reasons = [cannot_tell(comparison, number) for number in range(len(comparison.later))]
    return {
        "schema": SCHEMA,
        "verdicts": list(verdicts(comparison)),
        "regressions": comparison.regressions,
        "tolerance": comparison.tolerance,
        "runs": [
            {
                "label": side.label,
                "folder": side.folder,
                "started": side.run.plan.started,
                "slo": str(side.run.plan.slo),
                "mode": side.run.plan.mode,
                "speed": None if speed is None or speed.doubt else list(speed.factor),
                "cannot_tell": reason,
            }
            for side, speed, reason in zip(
                comparison.sides, [None, *comparison.speeds], [None, *reasons], strict=True
            )
        ],
        "cells": [_row(comparison, row) for row in comparison.rows],
        "changes": [
            {"name": name, "values": list(values)}
            for name, values in changes(comparison.sides).items()
        ],
        "warnings": [*unlike(comparison), *warnings(comparison)],
    }


def _row(comparison: Comparison, row: CellRow) -> dict[str, Any]:
    return {
        "workload": row.cell.workload,
        "model": row.cell.model,
        "variant": row.cell.variant or None,
        "first": _result(row.first),
        "later": [_match(comparison, match) for match in row.later],
    }


def _match(comparison: Comparison, match: Match) -> dict[str, Any]:
    ratio = match.ratio
    return {
        "found": _result(match.result),
        "ratio": None if ratio is None else ratio.best,
        "interval": None if ratio is None else encode([ratio.low, ratio.high]),
        "bears": None if ratio is None else ratio.sign,
        "regression": ratio is not None and comparison.regressed(ratio),
    }


def _result(cell: CellResult | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    return {name: encode(getattr(cell, name)) for name in FIELDS} | {
        "interval": encode([cell.held, cell.high]) if cell.measured else None,
        "error": cell.error or None,
    }
