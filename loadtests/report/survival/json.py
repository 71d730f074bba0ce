"""The summary of a survival run for other programs: the content of `summary.json`."""

from dataclasses import asdict
from typing import Any

from loadtests.report.summary import Summary
from loadtests.report.survival.sections import FilledSection, filled
from loadtests.run.file.cells import CellResult

SCHEMA = 1
FIELDS = (  # of a cell, in their order
    *("workload", "model", "python", "held", "broke", "interval", "capacity", "ceiling", "binding"),
    *("predicted", "score", "efficiency", "cause", "cause_evidence", "proof", "searches"),
    *("support", "goals", "bystander_p99_ms", "cpu_ms_per_request", "pss_mib", "trials"),
    *("discarded", "unavailable", "broke_by"),
)


def as_json(summary: Summary) -> dict[str, Any]:
    """Return the content of `summary.json`; rates are per second."""
    return {
        "schema": SCHEMA,
        "environment": dict(summary.environment),
        "slo": summary.slo,
        "cells": [
            _cell_json(cell) | {"beyond": summary.beyond.get(cell.cell)} for cell in summary.cells
        ],
        "verdicts": [
            {
                "workload": verdict.workload,
                "best": verdict.best,
                "sentence": verdict.sentence,
                "pythons": list(verdict.pythons),
            }
            for verdict in summary.verdicts
        ],
        "warnings": list(summary.warnings),
        "sections": [_section_json(section) for section in filled(summary)],
    }


def _cell_json(cell: CellResult) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in FIELDS} | {
        "python": cell.python or None,
        "interval": interval_json(cell),
        "cause_evidence": dict(cell.cause_evidence) or None,
        "proof": dict(cell.proof) or None,
        "searches": [list(search.bounds) for search in cell.valid],
        "support": cell.support and asdict(cell.support) | {"enough": cell.support.enough},
        "goals": {slo: list(bounds) for slo, bounds in cell.goals.items()},
    }


def interval_json(cell: CellResult) -> list[float | None] | None:
    return [cell.interval.low, cell.interval.high] if cell.interval else None


def _section_json(section: FilledSection) -> dict[str, Any]:
    return {
        "title": section.section.title,
        "caption": section.section.caption,
        "cells": [
            {"column": cell.workload, "row": cell.row, "figure": entry.figure, "small": entry.small}
            for cell, entry in section.entries.items()
        ],
        "notes": list(section.notes),
    }
