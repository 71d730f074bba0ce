"""A comparison as checks: each cell holds its capacity, has lost some, or cannot be compared."""

from loadtests.report.check import Check, Outcome
from loadtests.report.compare.comparison import CellRow, Comparison
from loadtests.report.compare.sentences import WHY_NO_RATIO, range_text, rate_of, ratio_text
from loadtests.report.wording import absence, name_of
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import encode


def compare_checks(comparison: Comparison) -> tuple[list[Check], list[Check]]:
    """Check the cells of each later run; those without a result or a ratio decide nothing."""
    decide: list[Check] = []
    others: list[Check] = []
    several = len(comparison.later) > 1
    for number, side in enumerate(comparison.later):
        for row in comparison.rows:
            result = row.later[number].result
            if result and row.first and row.first.measured:
                name = f"{row.cell.row} in {side.label}" if several else row.cell.row
                check = _check(comparison, number, row, result, name)
                ratio = row.later[number].ratio
                counts = result.measured and (not ratio or range_text(ratio))
                (decide if counts else others).append(check)
    return decide, others


def _check(
    comparison: Comparison, number: int, row: CellRow, result: CellResult, name: str
) -> Check:
    ratio = row.later[number].ratio
    outcome: Outcome = "cannot tell"
    if ratio and not range_text(ratio):
        clause = WHY_NO_RATIO
    elif ratio:
        outcome = "fails" if comparison.regressed(ratio) else "holds"
        interval = "" if ratio.best is None else f" ({range_text(ratio)})"
        clause = f"{ratio_text(ratio)}{interval} the load of {comparison.first.label}"
        clause += ", at equal speed of the machine"
    elif result.measured:
        clause = comparison.speeds[number].doubt or "the machines differ in speed"
    else:
        clause = f"no result ({absence(result)})"
    return Check(
        row.cell.workload,
        name,
        outcome,
        f"{name_of(row.cell)} in {comparison.later[number].label}: {clause.rstrip('.')}.",
        {
            "first": rate_of(row.first),
            "later": rate_of(result),
            "ratio": ratio and ratio.best,
            "low": ratio and ratio.low,
            "high": ratio and encode(ratio.high),
        },
    )
