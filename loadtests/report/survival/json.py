"""The summary of a survival run for other programs: the content of `summary.json`."""

from typing import Any

from loadtests.cell import Variation
from loadtests.report.at_load import AtLoad
from loadtests.report.summary import Summary
from loadtests.report.survival.sections import FilledSection, filled
from loadtests.report.trust import trust
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import encode

SCHEMA = 3


def as_json(summary: Summary) -> dict[str, Any]:
    """Return the content of `summary.json`; rates are per second."""
    return {
        "schema": SCHEMA,
        "environment": dict(summary.environment),
        "slo": str(summary.slo),
        "cells": [
            _cell_json(cell, summary.variations.get(cell.variant, Variation()))
            | {"beyond": summary.beyond.get(cell.cell)}
            | {"at_load": _load_json(summary.at_load.get(cell.cell))}
            for cell in summary.cells
        ],
        "verdicts": [{"best": verdict.pick, **encode(verdict)} for verdict in summary.verdicts],
        "speed": encode(summary.speed),
        "a_a": [
            {"workload": workload, "row": again.row, "ratio": encode(again.ratio)}
            for workload, again in summary.again.items()
        ],
        "trust": trust(summary),
        "warnings": list(summary.warnings),
        "sections": [_section_json(section) for section in filled(summary)],
    }


def _cell_json(cell: CellResult, known: Variation) -> dict[str, Any]:
    return {
        "workload": cell.workload,
        "model": cell.model,
        "row": cell.row,
        "variant": cell.variant or None,
        "options": dict(known.options),
        "python": known.python or None,
        "state": cell.state,
        "held": cell.held,
        "broke": encode(cell.broke),
        "interval": interval_json(cell),
        "capacity": cell.capacity,
        "ceiling": cell.ceiling,
        "binding": cell.binding,
        "predicted": cell.predicted,
        "score": cell.score,
        "efficiency": cell.efficiency,
        "utilisation": cell.utilisation,
        "demand_s": cell.demand_s,
        "rounds": cell.rounds,
        "witness": [witness._asdict() for witness in cell.witness],
        "cause": cell.cause,
        "cause_evidence": dict(cell.cause_evidence) or None,
        "proof": dict(cell.proof) or None,
        "remedy": dict(cell.remedy) or None,
        "guilty": dict(cell.guilty) or None,
        "unsteady": cell.unsteady,
        "goals": {slo: encode(rates[1:]) for slo, rates in cell.goals.items()},
        "bystander_p99_ms": cell.bystander_p99_ms,
        "cpu_ms_per_request": cell.cpu_ms_per_request,
        "pss_mib": cell.pss_mib,
        "trials": cell.trials,
        "discarded": cell.discarded,
        "unavailable": cell.unavailable,
        "error": cell.error or None,
        "broke_by": cell.broke_by,
    }


def interval_json(cell: CellResult) -> list[float | None] | None:
    """Return both ends; the upper one is null where the generator was the limit."""
    return [cell.held, encode(cell.broke)] if cell.measured else None


def _load_json(known: AtLoad | None) -> dict[str, Any] | None:
    if known is None:
        return None
    work = known.trial.work if known.trial else None
    return {
        "rate": known.rate,
        "held": known.held,
        "p50_ms": work and work.p50_ms,
        "p99_ms": work and work.p99_ms,
        "loss_ratio": work and work.loss_ratio,
        "headroom": encode(known.headroom),
    }


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
