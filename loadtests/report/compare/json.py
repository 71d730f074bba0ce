"""A comparison as JSON, for other programs; rates are per second."""

from math import isfinite
from typing import Any

from loadtests.report.compare.changes import changes
from loadtests.report.compare.comparison import CellRow, Comparison, Match, Ratio
from loadtests.report.compare.sentences import verdicts
from loadtests.report.compare.warnings import unlike, warnings
from loadtests.report.survival.json import interval_json
from loadtests.run.file.cells import CellResult

SCHEMA = 1
FIELDS = ("held", "broke", "interval", "capacity", "cause", "unavailable", "error")


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return plain data; infinite bounds are null, as are cells that a run did not include."""
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
            }
            for side in comparison.sides
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
        "python": row.cell.python or None,
        "first": _result(row.first),
        "later": [_match(comparison, match) for match in row.later],
    }


def _match(comparison: Comparison, match: Match) -> dict[str, Any]:
    ratio = match.ratio
    return {
        "found": _result(match.result),
        "ratio": None if ratio is None else ratio.best,
        "interval": None if ratio is None else _interval(ratio),
        "bears": None if ratio is None else ratio.sign,
        "regression": ratio is not None and comparison.regressed(ratio),
    }


def _interval(ratio: Ratio) -> list[float | None]:
    return [ratio.low, ratio.high if isfinite(ratio.high) else None]


def _result(cell: CellResult | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    return {name: getattr(cell, name) for name in FIELDS} | {"interval": interval_json(cell)}
