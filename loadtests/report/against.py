"""Whether one service has become slower than another that was measured in the same rounds.

The ratio of two rows is paired: their trials follow one another, so a slow minute of the machine
slows both. Three questions are asked of its 95 % interval, in this order:

- A *regression*: all of it is below 1 less the tolerance. The estimate alone proves nothing.
- *No regression*: all of it is above 1 less `HIDDEN`, so that a larger loss would have been seen.
- Otherwise the run *cannot tell*.

`TOLERANCE` and `HIDDEN` were chosen by what equal rows differ by (RESULTS.md, "The tool's own
error"). A quick run knows their ratio to about ± 6 %, and its interval excludes 1 in 2.7 % of runs,
in single cases in 10 %: too often for a gate. An interval of ± 6 % lies below 0.97 as a whole only
if it is centred three standard errors away from 1. The tolerance also covers what two starts of the
same code differ by, which rounds do not average out: up to 2 % in published runs.

Simulated with two rows, in twelve runs of each of 21 cases of `scripts/error`: 252 quick runs of
equal rows showed no regression, and 19 of them could not tell. Of 252 with a loss of 15 %, 237
showed it, 13 could not tell and 2 missed it; with a tolerance of 5 %, 229 showed it. Where rounds
went on to ± 3 %, for twice as long (20 of the cases), 238 of 240 showed it, and 2 of 240 runs of
equal rows could not tell.
"""

from dataclasses import dataclass
from math import floor, inf

from loadtests.capacity.estimate import Range
from loadtests.report.check import Check, Outcome
from loadtests.report.summary import Summary
from loadtests.report.wording import absence, interval_text
from loadtests.run.file.cells import CellResult, Standing
from loadtests.wording import percent

TOLERANCE = 0.03
HIDDEN = 0.15
BASE = "main"  # the name of the service to compare with
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Against:
    """The service that was changed, the one that it is compared with, and the loss to accept."""

    new: str
    base: str = BASE
    tolerance: float = TOLERANCE

    @property
    def hidden(self) -> float:
        """The largest loss that a run may miss and still pass."""
        return max(HIDDEN, self.tolerance)


def against_checks(summary: Summary, pair: Against) -> list[Check]:
    """Compare both services for each request, and each variant that both have."""
    results = {result.cell: result for result in summary.cells}
    checks = []
    for cell, new in results.items():
        base = results.get(cell._replace(model=pair.base))
        if cell.model == pair.new and base:
            standing = summary.standings.get(cell.workload) or Standing(cell.workload)
            checks.append(_check(new, base, standing, pair))
    return checks


def verdict(ratio: Range, pair: Against) -> Outcome:
    """Judge the capacity of the new service ÷ that of the other."""
    if ratio.high < 1 - pair.tolerance:
        return "fails"
    return "holds" if ratio.low >= 1 - pair.hidden else "cannot tell"


def change_text(ratio: Range) -> str:
    """Write a ratio as a change with its interval, as in "+12 % (+8 to +16)"."""
    if ratio.high == inf:
        return f"at least {_signed(ratio.low)} %"
    if not ratio.low:
        return f"at most {_signed(ratio.high)} %"
    low, high = _signed(ratio.low), _signed(ratio.high)
    return f"{_signed(ratio.value)} % ({low} to {high})"


def _check(new: CellResult, base: CellResult, standing: Standing, pair: Against) -> Check:
    ratio = _ratio(new, base, standing)
    outcome: Outcome = verdict(ratio, pair) if ratio else "cannot tell"
    clause = _sentence(ratio, outcome, pair) if ratio else f"cannot tell: {_why(new, base)}"
    return Check(
        new.workload,
        f"{new.row} against {base.row}",
        outcome,
        f"`{new.workload}`, {new.row} against {base.row}: {clause}.",
        {
            "new": interval_text(new),
            "base": interval_text(base),
            "change": ratio and ratio.value - 1,
            "low": ratio and ratio.low - 1,
            "high": ratio.high - 1 if ratio and ratio.high < inf else None,
            "tolerance": pair.tolerance,
        },
    )


def _sentence(ratio: Range, outcome: Outcome, pair: Against) -> str:
    change = change_text(ratio)
    if outcome == "fails":
        return f"regression: {change}"
    if outcome == "cannot tell":
        return f"cannot tell: {change}; a loss of {percent(pair.hidden)} is not excluded"
    if ratio.low > 1:
        return f"faster: {change}"
    if ratio.high < 1:
        return f"slower, but not certainly by more than {percent(pair.tolerance)}: {change}"
    reach = max(1 - ratio.low, ratio.high - 1)
    beyond = f" beyond ±{percent(reach)}" if reach < inf else ""
    return f"no difference{beyond}: {change}"


def _ratio(new: CellResult, base: CellResult, standing: Standing) -> Range | None:
    """Return the paired ratio; without one, its bounds by both intervals, if there are any.

    There is none at the limit of the load generator, and where a service sustains no load.
    """
    if not (new.measured and base.measured):
        return None
    paired = standing.ratio(new.row, base.row)
    if paired and paired.low > 0 and paired.high < inf:
        return paired
    low = new.sustained / base.high if base.high else 0.0
    high = new.high / base.sustained if base.sustained else inf
    return Range(low or high, low, high) if low or high < inf else None


def _why(new: CellResult, base: CellResult) -> str:
    missing = [f"{c.row} has no result ({absence(c)})" for c in (new, base) if not c.measured]
    if missing:
        return "; ".join(missing)
    if new.unbounded and base.unbounded:
        return "both sustain all that the load generator offers (see --generators)"
    return f"{base.row} sustains no load"


def _signed(ratio: float) -> str:
    """Return a ratio as a change in whole percent."""
    change = 100 * (ratio - 1)
    size = floor(abs(change) + 0.5)
    return f"{MINUS if change < 0 else '+'}{size}" if size else "0"
