"""What weakens a comparison, in sentences that keep readers from concluding too much."""

from collections.abc import Iterator

from loadtests.report.compare.comparison import Comparison, Side, parameters
from loadtests.report.warnings import busy
from loadtests.report.wording import absence, name_of, shortened
from loadtests.run.file.cells import CellResult
from loadtests.wording import count_of, listing


def unlike(comparison: Comparison) -> tuple[str, ...]:
    """Say why runs cannot be judged by their ratios; shown before everything else."""
    return tuple(sentence for side in comparison.later for sentence in _unlike(comparison, side))


def warnings(comparison: Comparison) -> tuple[str, ...]:
    return tuple(_warnings(comparison))


def _warnings(comparison: Comparison) -> Iterator[str]:
    for side in comparison.sides:
        yield from _conditions(side)
    for number, side in enumerate(comparison.later):
        yield from _same_or_other_mode(comparison.first, side)
        yield from _other_python(comparison, number)
        yield from _one_sided(comparison, number)


def _conditions(side: Side) -> Iterator[str]:
    run, name = side.run, side.label
    if run.end is None:
        yield f"{name} has not ended: it was interrupted, or is still running."
    elif run.end.reason:
        yield f"{name} ended early: {run.end.reason.rstrip('.')}."
    if warning := busy(run.plan.environment):
        yield f"{name}: {warning}"
    if run.plan.arguments.get("host"):
        yield f"{name} measured a running service, which was not restarted between its cells."
    if str(run.plan.environment.get("commit") or "").endswith("-dirty"):
        yield f"{name} was measured with uncommitted changes."


def _unlike(comparison: Comparison, side: Side) -> Iterator[str]:
    first, baseline, plan = comparison.first.label, comparison.first.run.plan, side.run.plan
    if baseline.slo != plan.slo:
        yield (
            f"{side.label} had the objective {plan.slo}, and {first} had {baseline.slo}: their "
            "rates answer different questions, and the ratio does not show which run is better."
        )
    for workload in dict.fromkeys(row.cell.workload for row in comparison.rows):
        now, before = (parameters(of, workload) for of in (plan, baseline))
        if now != before:
            yield (
                f"`{workload}` ran with {now} in {side.label}, and with {before} in {first}: that "
                "is different work, and the ratio of their rates does not show which run is better."
            )


def _same_or_other_mode(first: Side, side: Side) -> Iterator[str]:
    baseline, run = first.run, side.run
    if baseline.plan.started == run.plan.started and baseline.results == run.results:
        yield f"{side.label} and {first.label} are the same run."
    if baseline.plan.mode != run.plan.mode:
        yield (
            f"{side.label} is a {run.plan.mode} run, and {first.label} a {baseline.plan.mode} run: "
            "ratios are as uncertain as the quick one makes them."
        )


def _other_python(comparison: Comparison, number: int) -> Iterator[str]:
    side, first = comparison.later[number], comparison.first
    if not comparison.speeds[number].doubt and side.pythons.keys() != first.pythons.keys():
        now, before = (listing(list(run.pythons)) for run in (side, first))
        yield (
            f"{side.label} ran on Python {now}, and {first.label} on {before}: the factor of the "
            "CPU time contains what the Pythons differ by, which the ratios leave out."
        )


def _one_sided(comparison: Comparison, number: int) -> Iterator[str]:
    """Name the cells that have a result on one side only, and why."""
    side, first = comparison.later[number], comparison.first
    both = [(row.cell, row.first, row.later[number].result) for row in comparison.rows]
    lost = [(cell, after) for cell, before, after in both if _has(before) and not _has(after)]
    new = [(cell, before) for cell, before, after in both if _has(after) and not _has(before)]
    for name, cells in ((side.label, lost), (first.label, new)):
        if cells:
            reasons = {absence(result) for _, result in cells}
            why = f" ({reasons.pop()})" if len(reasons) == 1 else ""
            yield (
                f"{count_of(len(cells), 'cell')} cannot be compared, because {name} has no result"
                f"{why}: {shortened([name_of(cell) for cell, _ in cells])}."
            )


def _has(cell: CellResult | None) -> bool:
    return cell is not None and cell.measured
