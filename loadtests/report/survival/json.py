"""The summary of a survival run for other programs: the content of `summary.json`."""

from dataclasses import asdict
from typing import Any

from loadtests.report.summary import Summary
from loadtests.report.survival.sections import FilledSection, filled
from loadtests.run.file.cells import CellResult

SCHEMA = 1


def as_json(summary: Summary) -> dict[str, Any]:
    """Return the content of `summary.json`; rates are per second."""
    return {
        "schema": SCHEMA,
        "environment": dict(summary.environment),
        "slo": str(summary.slo),
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
    return {
        "workload": cell.workload,
        "model": cell.model,
        "python": cell.python or None,
        "held": cell.held,
        "broke": cell.broke,
        "interval": interval_json(cell),
        "capacity": cell.capacity,
        "ceiling": cell.ceiling,
        "binding": cell.typical.binding,
        "predicted": cell.predicted,
        "score": cell.score,
        "efficiency": cell.efficiency,
        "cause": cell.cause,
        "cause_evidence": dict(cell.cause_evidence) or None,
        "proof": dict(cell.proof) or None,
        "searches": [list(search.bounds) for search in cell.valid],
        "support": cell.support and asdict(cell.support) | {"enough": cell.support.enough},
        "goals": {slo: list(bounds) for slo, bounds in cell.goals.items()},
        "bystander_p99_ms": cell.typical.bystander_p99_ms,
        "cpu_ms_per_request": cell.typical.cpu_ms_per_request,
        "pss_mib": cell.typical.pss_mib,
        "trials": cell.trials,
        "discarded": cell.discarded,
        "unavailable": cell.unavailable,
        "broke_by": cell.broke_by,
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
