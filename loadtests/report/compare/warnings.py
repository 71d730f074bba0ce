"""What weakens a comparison, in sentences that keep readers from concluding too much."""

from collections.abc import Iterator
from statistics import median

from loadtests.report.compare.comparison import Comparison, Side
from loadtests.report.compare.sentences import factor_text
from loadtests.report.warnings import ENOUGH, busy, pieces_ms
from loadtests.report.wording import name_of, shortened
from loadtests.run.file.cells import CellResult
from loadtests.run.file.lines import Plan
from loadtests.wording import TIMES, count_of, listing

UNLIKE = 1.1  # the same calculation takes this much longer on another machine, or another day
CHANCE = 0.05  # that a 95 % interval excludes 1 although nothing differs


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
        yield from _speed(comparison.first, side)
        yield from _one_sided(comparison, number)
        yield from _by_chance(comparison, number)


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
        now, before = (_settings(of, workload) for of in (plan, baseline))
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


def _settings(plan: Plan, workload: str) -> str:
    given = plan.arguments.get("param") or ()
    return listing(sorted(text for text in given if text.startswith(f"{workload}."))) or "defaults"


def _speed(first: Side, side: Side) -> Iterator[str]:
    """Report other core speeds, by the calculation that is timed beside each trial."""
    baseline, times = (pieces_ms(of.run) for of in (first, side))
    pythons = {of.run.plan.environment.get("python") for of in (first, side)}
    if min(len(baseline), len(times)) < ENOUGH or len(pythons) > 1:
        return
    before, now = median(baseline), median(times)
    if max(now / before, before / now) > UNLIKE:
        slower = now > before
        yield (
            f"The cores were {'slower' if slower else 'faster'} in {side.label}: the same "
            f"calculation took {now:.2f} ms of CPU time, {factor_text(now / before)} {TIMES} the "
            f"{before:.2f} ms in {first.label}. That alone "
            f"{'lowers' if slower else 'raises'} the capacity of CPU-bound work."
        )


def _one_sided(comparison: Comparison, number: int) -> Iterator[str]:
    """Name the cells that have a result on one side only, and why."""
    side, first = comparison.later[number], comparison.first
    both = [(row.cell, row.first, row.later[number].result) for row in comparison.rows]
    lost = [(cell, after) for cell, before, after in both if _has(before) and not _has(after)]
    new = [(cell, before) for cell, before, after in both if _has(after) and not _has(before)]
    for name, cells in ((side.label, lost), (first.label, new)):
        if cells:
            reasons = {_why(result) for _, result in cells}
            why = f" ({reasons.pop()})" if len(reasons) == 1 else ""
            yield (
                f"{count_of(len(cells), 'cell')} cannot be compared, because {name} has no result"
                f"{why}: {shortened([name_of(cell) for cell, _ in cells])}."
            )


def _has(cell: CellResult | None) -> bool:
    return cell is not None and cell.shown


def _why(cell: CellResult | None) -> str:
    if cell is None:
        return "not requested"
    return (cell.unavailable or cell.error or cell.lack or "no number was reported").rstrip(".")


def _by_chance(comparison: Comparison, number: int) -> Iterator[str]:
    ratios = comparison.ratios(number)
    different = sum(ratio.sign != "same" for ratio in ratios)
    expected = round(CHANCE * len(ratios))
    if 0 < different <= expected:
        count = "as many do here" if different > 1 else "one does here"
        yield (
            f"Of {len(ratios)} cells without any real difference, about {expected} would appear to "
            f"differ by chance: {count}. Repeat the measurements that matter to you."
        )
